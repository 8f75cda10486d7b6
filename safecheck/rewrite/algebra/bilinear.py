"""Products of two computed operands, whichever operator spells them, as one kind of thing.

Every axis has a letter. A letter that both operands have stays (one product per entry) or is summed over; a letter that
one operand has is free, or summed over before the product. Axes of length 1 have no letter: they change no element,
and one that is broadcast is an axis that the operand does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from safecheck.ir.walk import is_standard
from safecheck.rewrite.algebra.arrange import enumerated
from safecheck.rewrite.algebra.equation import terms_of
from safecheck.rewrite.attributes import attribute, integer, text
from safecheck.rewrite.graph import MutableGraph


class NoBilinearError(Exception):
    """The product is not of this kind; the text says why."""


@dataclass(frozen=True)
class Operand:
    """A value and the letters of its axes, those of length 1 left out."""

    name: str
    dims: tuple[int, ...]
    letters: str

    def arranged(self, *groups: str) -> Any:
        """Element numbers with one axis per group of letters; all letters have to be in one of them."""
        sizes = [size for size in self.dims if size != 1]
        order = [self.letters.index(letter) for letter in "".join(groups)]
        shape = [prod(sizes[self.letters.index(letter)] for letter in group) for group in groups]
        return enumerated(sizes).transpose(order).reshape(shape)


@dataclass(frozen=True)
class Bilinear:
    """result[batch, rows, columns] = scale * sum of left[batch, summed, rows] right[batch, summed, columns] + addend.

    All are strings of letters; letters that only one operand has and the result lacks are `alone` and summed first.
    """

    left: Operand
    right: Operand
    result: Operand
    scale: float = 1.0
    addend: Operand | None = None
    """What is added, times `addend_scale`: letters of the result only."""
    addend_scale: float = 1.0

    @property
    def turned(self) -> Bilinear:
        """The same product with rows and columns exchanged."""
        return replace(self, left=self.right, right=self.left)

    @property
    def batch(self) -> str:
        """Letters that both operands and the result have, in the order of the result."""
        return "".join(letter for letter in self.result.letters if self._in(letter) == (True, True))

    @property
    def rows(self) -> str:
        """Letters of the result that only the left operand has."""
        return "".join(letter for letter in self.result.letters if self._in(letter) == (True, False))

    @property
    def columns(self) -> str:
        """Letters of the result that only the right operand has."""
        return "".join(letter for letter in self.result.letters if self._in(letter) == (False, True))

    @property
    def summed(self) -> str:
        """Letters that both operands have and the result does not."""
        return "".join(
            letter for letter in self.left.letters if letter in self.right.letters and letter not in self.result.letters
        )

    def alone(self, operand: Operand) -> str:
        """Letters that are summed over before the product."""
        other = self.right if operand is self.left else self.left
        return "".join(
            letter for letter in operand.letters if letter not in other.letters and letter not in self.result.letters
        )

    def extent(self, letters: str) -> int:
        """How many entries some axes have together."""
        return prod(self._sizes[letter] for letter in letters)

    @property
    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for operand in (self.left, self.right):
            sizes.update(zip(operand.letters, (size for size in operand.dims if size != 1), strict=True))
        return sizes

    def _in(self, letter: str) -> tuple[bool, bool]:
        return letter in self.left.letters, letter in self.right.letters


def bilinear(graph: MutableGraph, node: Any) -> Bilinear | None:
    """The product that a node is; None for other operators and where an operand is constant.

    Raises:
        NoBilinearError: it is a product that cannot be seen this way.
    """
    if node.op_type not in ("Einsum", "Gemm", "MatMul") or not is_standard(node):
        return None
    names = node.input[: len(node.input) if node.op_type == "Einsum" else 2]
    if len(names) < 2 or any(graph.constant(name) is not None for name in names):
        return None
    if len(names) > 2:
        raise NoBilinearError("it is a product of more than two operands")
    left, right, made = (graph.dims(name) for name in (*names, node.output[0]))
    if left is None or right is None or made is None:
        raise NoBilinearError("the shapes are not fixed")
    if node.op_type == "Einsum":
        found = terms_of(text(node, "equation", ""), (len(left), len(right)))
        if found is None:
            raise NoBilinearError("the equation does not fit the operands")
        (first, second), result = found
        return _product((*names, node.output[0]), (left, right, made), (first, second, result))
    if node.op_type == "MatMul":
        return _product((*names, node.output[0]), (left, right, made), _matmul_terms(len(left), len(right)))
    turned = [bool(integer(node, name, 0)) for name in ("transA", "transB")]
    terms = ("ki" if turned[0] else "ik", "jk" if turned[1] else "kj", "ij")
    alpha, beta = (attribute(node, name) for name in ("alpha", "beta"))
    more: dict[str, Any] = {"scale": 1.0 if alpha is None else float(alpha.f)}
    if len(node.input) > 2 and node.input[2]:
        dims = graph.dims(node.input[2])
        if dims is None:
            raise NoBilinearError("the shape of the addend is not fixed")
        more["addend"] = _operand(node.input[2], dims, "ij"[2 - len(dims) :])
        more["addend_scale"] = 1.0 if beta is None else float(beta.f)
    return _product((*names, node.output[0]), (left, right, made), terms, **more)


def _matmul_terms(left: int, right: int) -> tuple[str, str, str]:
    """Letters of numpy's matmul for operands of these ranks; leading axes are aligned at their ends."""
    lead = "abcdefgh"[: max(left, right, 2) - 2]
    first = "k" if left == 1 else lead[len(lead) - (left - 2) :] + "ik"
    second = "k" if right == 1 else lead[len(lead) - (right - 2) :] + "kj"
    return first, second, lead + ("" if left == 1 else "i") + ("" if right == 1 else "j")


def _product(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], terms: tuple[str, str, str], **more: Any
) -> Bilinear:
    for dims, term in zip(shapes, terms, strict=True):
        if len(dims) != len(term) or not (term.isalpha() or not term):
            raise NoBilinearError("the equation does not fit the operands")
        if len(set(term)) != len(term):
            raise NoBilinearError("the equation repeats a letter within a term: it takes a diagonal")
    left, right, made = (_operand(*given) for given in zip(names, shapes, terms, strict=True))
    found = Bilinear(left, right, made, **more)
    if set(made.letters) - set(left.letters) - set(right.letters) or not _consistent(shapes, terms):
        raise NoBilinearError("the shapes do not fit the equation")
    return found


def _operand(name: str, dims: tuple[int, ...], term: str) -> Operand:
    return Operand(name, dims, "".join(letter for letter, size in zip(term, dims, strict=True) if size != 1))


def _consistent(shapes: Sequence[tuple[int, ...]], terms: Sequence[str]) -> bool:
    """Whether every letter has one length wherever it is longer than 1."""
    sizes: Mapping[str, set[int]] = {letter: set() for term in terms for letter in term}
    for dims, term in zip(shapes, terms, strict=True):
        for letter, size in zip(term, dims, strict=True):
            sizes[letter].add(size)
    return all(len(found - {1}) <= 1 and 0 not in found for found in sizes.values())

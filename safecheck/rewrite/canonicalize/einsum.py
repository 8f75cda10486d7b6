"""Write an Einsum of one, three or more operands, or one that takes a diagonal, out as products of two and sums.

Axes of length 1 change nothing and are left out; a diagonal is a Gather; what only one operand has and the result does
not is summed first; then two operands at a time are multiplied, in the order that is cheapest to carry out as
convolutions. Constants are multiplied in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from safecheck.ir.protos import numpy_type
from safecheck.rewrite.algebra.equation import Factor, cheapest, terms_of
from safecheck.rewrite.algebra.rounding import FLOATS, gamma, smallest, unit
from safecheck.rewrite.attributes import text
from safecheck.rewrite.builder import Builder
from safecheck.rewrite.canonicalize.written_out import Definition, write_out
from safecheck.rewrite.finite import doubts
from safecheck.rewrite.graph import MutableGraph, Node
from safecheck.rewrite.movement.selection import einsum_order
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.rule import Claim, Range

_MOST = 8
"""Operands whose order is chosen among all."""
_SAMPLED = 1 << 26
"""Up to so many products are run to compare both spellings."""


class _Part(NamedTuple):
    """An operand, each axis longer than 1 with a letter: a value, or for a constant its array in float64."""

    letters: str
    value: str = ""
    array: Any = None


class _Equation(NamedTuple):
    """An Einsum on fixed shapes."""

    names: tuple[str, ...]
    terms: tuple[str, ...]
    """Letters of the axes that are longer than 1; of a single operand, of all."""
    shapes: tuple[tuple[int, ...], ...]
    """Their lengths."""
    result: str
    sizes: Mapping[str, int]


def write_out_einsum(graph: MutableGraph) -> list[Any]:
    """Replace what is no transpose and no plain product of two; returns the nodes that are gone."""
    return write_out(graph, "Einsum", _defined)


def _defined(graph: MutableGraph, node: Node) -> Definition | None:
    found = _read(graph, node)
    if found is None:
        return None
    replacement = _written(graph, node, found)
    return Definition(replacement, _claim(graph, node, found), doubts(graph, replacement))


def _read(graph: MutableGraph, node: Node) -> _Equation | None:
    """The equation, if it has to be written out and can be."""
    names = tuple(node.input)
    shapes = [graph.dims(name) for name in names]
    if len(names) > _MOST or graph.tensor(node.output[0]).dtype not in FLOATS or graph.dims(node.output[0]) is None:
        return None
    dims = [shape for shape in shapes if shape is not None and 0 not in shape]
    found = terms_of(text(node, "equation", ""), [len(shape) for shape in dims])
    if found is None or len(dims) < len(names) or all(graph.constant(name) is not None for name in names):
        return None
    terms, result = found
    plain = all(len(set(term)) == len(term) for term in terms)
    if plain and (len(terms) == 2 or einsum_order(node) is not None):
        return None
    if any(len(term) != len(shape) for term, shape in zip(terms, dims, strict=True)):
        return None
    sizes: dict[str, int] = {}
    for letter, size in zip("".join(terms), [size for shape in dims for size in shape], strict=True):
        if sizes.setdefault(letter, size) != size and 1 not in (size, sizes[letter]):
            return None
        sizes[letter] = max(size, sizes[letter])
    if prod(sizes.values()) > _SAMPLED or len(sizes) > 52:
        return None
    pairs = [list(zip(term, shape, strict=True)) for term, shape in zip(terms, dims, strict=True)]
    least = 1 if len(terms) == 1 else 2  # a single operand need not be stretched, and keeps its dimensions
    return _Equation(
        names, tuple("".join(letter for letter, size in pair if size >= least) for pair in pairs),
        tuple(tuple(size for _, size in pair if size >= least) for pair in pairs),
        "".join(letter for letter in result if sizes[letter] >= least), sizes,
    )  # fmt: skip


def _written(graph: MutableGraph, node: Node, found: _Equation) -> Replacement:
    writer = _Writer(graph, node.output[0], found)
    parts = []
    for at, name in enumerate(found.names):
        others = set(found.result).union(*found.terms[:at], *found.terms[at + 1 :])
        parts.append(writer.summed(writer.entered(name, at), others))
    factors = [Factor(frozenset(part.letters), part.array is not None) for part in parts]
    orders = cheapest(factors, frozenset(found.result), found.sizes)

    def made(group: int) -> _Part:
        order = orders[group]
        if order.halves is None:
            return parts[group.bit_length() - 1]
        return writer.multiplied(made(order.halves[0]), made(order.halves[1]), order.factor.letters)

    value = writer.turned(made((1 << len(parts)) - 1), found.result).value
    if len(found.result) != len(graph.dims(node.output[0]) or ()):
        value = writer.builder.reshape(value, graph.dims(node.output[0]) or ())
    computed = [name for name in dict.fromkeys(found.names) if graph.constant(name) is None]
    return writer.builder.replacement(computed, {node.output[0]: value})


class _Writer:
    """Writes products and sums of parts."""

    def __init__(self, graph: MutableGraph, hint: str, found: _Equation) -> None:
        self.builder = Builder(graph, hint)
        self._found = found
        self._kind = numpy_type(graph.tensor(hint).dtype or "")

    def entered(self, name: str, at: int) -> _Part:
        """An operand without axes of length 1, a letter that it has twice once: the diagonal."""
        import numpy

        letters, shape = self._found.terms[at], self._found.shapes[at]
        array = self.builder.graph.constant(name)
        if array is not None:
            once = "".join(dict.fromkeys(letters))
            plain = _lettered(letters, once)
            return _Part(once, array=numpy.einsum(plain, array.astype(numpy.float64).reshape(shape)))
        if shape != self.builder.graph.dims(name):
            name = self.builder.reshape(name, shape)
        part = _Part(letters, name)
        while len(set(part.letters)) < len(part.letters):
            part = self._diagonal(part)
        return part

    def _diagonal(self, part: _Part) -> _Part:
        import numpy

        twice = next(letter for letter in part.letters if part.letters.count(letter) > 1)
        first = part.letters.index(twice)
        second = part.letters.index(twice, first + 1)
        rest = [at for at in range(len(part.letters)) if at not in (first, second)]
        value = self._transposed(part.value, [*rest, first, second])
        kept = "".join(part.letters[at] for at in rest)
        size = self._found.sizes[twice]
        value = self.builder.reshape(value, [*self._lengths(kept), size * size])
        places = self.builder.constant(numpy.arange(size) * (size + 1))
        return _Part(kept + twice, self.builder.add("Gather", [value, places], axis=len(rest)))

    def summed(self, part: _Part, needed: set[str] | frozenset[str]) -> _Part:
        """The sum over what nothing else needs."""
        import numpy

        axes = [at for at, letter in enumerate(part.letters) if letter not in needed]
        kept = "".join(letter for letter in part.letters if letter in needed)
        if not axes:
            return part
        if part.array is not None:
            return _Part(kept, array=part.array.sum(tuple(axes)))
        if self.builder.graph.opset < 13:
            return _Part(kept, self.builder.add("ReduceSum", [part.value], axes=axes, keepdims=0))
        given = self.builder.constant(numpy.array(axes, numpy.int64))
        return _Part(kept, self.builder.add("ReduceSum", [part.value, given], keepdims=0))

    def multiplied(self, left: _Part, right: _Part, kept: frozenset[str]) -> _Part:
        """The product of two parts, summed over what is not kept."""
        import numpy

        if left.array is not None and right.array is not None:
            letters = "".join(sorted(kept))
            plain = _lettered(left.letters, right.letters, letters)
            return _Part(letters, array=numpy.einsum(plain, left.array, right.array))
        if right.array is None and (left.array is not None or set(left.letters) < set(right.letters)):
            left, right = right, left
        both = set(left.letters) & set(right.letters)
        if set(right.letters) <= set(left.letters) & kept:
            wide = self._wide(right, left.letters)
            return self.summed(_Part(left.letters, self.builder.add("Mul", [left.value, wide])), kept)
        if right.array is not None and both & kept:
            return self._in_batches(left, right, kept)
        letters = "".join(dict.fromkeys(letter for letter in left.letters + right.letters if letter in kept))
        letters = self._found.result if kept == set(self._found.result) else letters
        inputs = [left.value, right.value or self._constant(right.array)]
        plain = _lettered(left.letters, right.letters, letters)
        return _Part(letters, self.builder.add("Einsum", inputs, equation=plain))

    def _in_batches(self, data: _Part, weights: _Part, kept: frozenset[str]) -> _Part:
        """A product with another constant matrix for every batch."""
        groups = [
            "".join(letter for letter in part.letters if (letter in other.letters, letter in kept) == wanted)
            for part, other, wanted in (
                (data, weights, (True, True)), (data, weights, (False, True)), (data, weights, (True, False)),
                (weights, data, (False, True)),
            )
        ]  # fmt: skip
        batch, rows, inside, columns = groups
        flat = [prod(self._lengths(group)) for group in groups]
        left = self.builder.reshape(self.turned(data, batch + rows + inside).value, (flat[0], flat[1], flat[2]))
        array = self.turned(weights, batch + inside + columns).array.reshape(flat[0], flat[2], flat[3])
        made = self.builder.add("MatMul", [left, self._constant(array)])
        letters = batch + rows + columns
        return _Part(letters, self.builder.reshape(made, self._lengths(letters)))

    def turned(self, part: _Part, letters: str) -> _Part:
        """The part with its axes in this order."""
        order = [part.letters.index(letter) for letter in letters]
        if part.array is not None:
            return _Part(letters, array=part.array.transpose(order))
        return _Part(letters, self._transposed(part.value, order))

    def _wide(self, part: _Part, letters: str) -> str:
        """A part that can be multiplied by one with these letters, as broadcasting aligns them."""
        own = self.turned(part, "".join(letter for letter in letters if letter in part.letters))
        dims = [
            size if letter in own.letters else 1 for letter, size in zip(letters, self._lengths(letters), strict=True)
        ]
        if own.array is not None:
            return self._constant(own.array.reshape(dims))
        return own.value if len(own.letters) == len(letters) else self.builder.reshape(own.value, dims)

    def _transposed(self, value: str, order: list[int]) -> str:
        return value if order == sorted(order) else self.builder.transpose(value, order)

    def _lengths(self, letters: str) -> list[int]:
        return [self._found.sizes[letter] for letter in letters]

    def _constant(self, array: Any) -> str:
        return self.builder.constant(array.astype(self._kind))


def _lettered(*terms: str) -> str:
    """An equation in letters that every reader knows, the last term being the result."""
    order = {letter: at for at, letter in enumerate(dict.fromkeys("".join(terms)))}
    names = ["".join(chr(97 + order[letter]) if order[letter] < 26 else chr(39 + order[letter]) for letter in term)
             for term in terms]  # fmt: skip
    return f"{','.join(names[:-1])}->{names[-1]}"


def _claim(graph: MutableGraph, node: Node, found: _Equation) -> Claim:
    """Both sides add the same products of all operands.

    A product of n operands is rounded n - 1 times, and at most as often again as there are terms. An intermediate
    product below the normal numbers is off by half the smallest one, which the other operands multiply.
    """
    import numpy

    dtype = graph.tensor(node.output[0]).dtype or ""
    summed = set("".join(found.terms)) - set(found.result)
    count = prod(found.sizes[letter] for letter in summed)
    terms = count + 2 * len(found.terms) + 4
    equation, largest = _lettered(*found.terms, found.result), float(numpy.finfo(numpy_type(dtype)).max)
    peaks = "the product of the largest magnitudes of all operands, as far as they are above 1, and the number of terms"
    outside = "an intermediate product may overflow in one order and not in the other"

    def limit(feed: Mapping[str, Any], expected: Any) -> Any:
        given: list[Any] = [feed.get(name, graph.constant(name)) for name in found.names]
        sizes = [
            numpy.abs(array.astype(numpy.float64)).reshape(shape)
            for array, shape in zip(given, found.shapes, strict=True)
        ]
        peak = count * prod(max(1.0, float(array.max())) for array in sizes)
        if not peak < largest:
            return numpy.full(expected.shape, numpy.inf)
        total = numpy.einsum(equation, *sizes, optimize=True).reshape(expected.shape)
        return 2 * gamma(terms, unit(dtype)) * total + len(sizes) * peak * smallest(dtype)

    return Claim(
        "bounded", "the same products of all operands, added in another order", finite_only=True, limit=limit,
        bound=f"2 gamma({terms}) x sum of the magnitudes of the products",
        ranges=(Range(peaks, 0.0, largest, "derived", "derived", outside),),
    )  # fmt: skip

"""Which layer forms of a model are worth asking about: those that nobody has decided, and that asking can decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from safecheck.audit.audit import Audit
from safecheck.finding import Verdict
from safecheck.ir.signature import Signature, Tensor
from safecheck.nvidia.probe.networks import CannotAskError, network
from safecheck.rulebook.facts.signature_hash import form_id
from safecheck.rulebook.judge import Charge, judge
from safecheck.rulebook.profile import Profile
from safecheck.text import printable


@dataclass(frozen=True, slots=True)
class Question:
    """One form, with the network that asks about it."""

    id: str
    """The fact `form_id`."""
    title: str
    layers: tuple[str, ...]
    """Types of the layers that are not decided."""
    model: Any
    """ModelProto of one node."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """A form that asking cannot decide."""

    title: str
    reason: str


def questions(audit: Audit, book: Profile) -> Iterator[Question | Unasked]:
    """Every unproven form of an audited model once, in the order of the nodes."""
    seen: set[Signature] = set()
    for node, occurrence in zip(audit.nodes, audit.signatures.nodes, strict=True):
        signature = occurrence.signature
        if node.verdict is not Verdict.UNPROVEN or signature in seen:
            continue
        seen.add(signature)
        title = describe(signature)
        try:
            model = network(occurrence)
            layers = _undecided(judge(book, signature).charges)
        except CannotAskError as reason:
            yield Unasked(title, str(reason))
            continue
        name = form_id(signature)
        if isinstance(name, str):
            yield Question(name, title, layers, model)
        else:
            yield Unasked(title, "an element of a constant is not known")


def _undecided(charges: tuple[Charge, ...]) -> tuple[str, ...]:
    """Types of the layers of which nothing is known but that nobody has shown anything."""
    for charge in charges:
        if charge.rule.verdict is not Verdict.UNPROVEN:
            raise CannotAskError(f"whether {charge.rule.id} applies depends on what the file does not show")
        if not charge.layers or any(label.startswith("parser:") for label in charge.layers):
            raise CannotAskError(f"{charge.rule.id} is not about a layer")
    return tuple(dict.fromkeys(label.partition(":")[0] for charge in charges for label in charge.layers))


def describe(signature: Signature) -> str:
    """A form in one line: `Conv FLOAT[1,4,8,8], FLOAT[4,4,3,3] constant -> FLOAT[1,4,6,6] (kernel_shape [3, 3])`."""
    sides = [", ".join(_tensor(tensor) for tensor in side) for side in (signature.inputs, signature.outputs)]
    attributes = ", ".join(f"{name} {_value(value)}" for name, value in signature.attributes)
    return printable(f"{signature.op_type} {' -> '.join(sides)}" + (f" ({attributes})" if attributes else ""), 300)


def _tensor(tensor: Tensor | None) -> str:
    if tensor is None:
        return "nothing"
    shape = "[?]" if tensor.shape is None else f"[{','.join('?' if dim is None else str(dim) for dim in tensor.shape)}]"
    values = f" {_value(tensor.values)}" if tensor.values is not None and len(tensor.values) <= 8 else ""
    return f"{tensor.dtype or '?'}{shape}{f' constant{values}' if tensor.constant else ''}"


def _value(value: object) -> str:
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, tuple) else str(value)

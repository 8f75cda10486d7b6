"""Where a network stops saying what its values are: one cause, and how many nodes stand behind it.

A rule asks shapes and element types. Where one is lost, every rule about every node behind can only say that it does
not know; the cause is said once instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from safecheck.finding import Evidence, Verdict
from safecheck.ir import schemas
from safecheck.ir.complaint import complaint
from safecheck.ir.graph import Scope
from safecheck.ir.signature import Signature, Tensor
from safecheck.ir.signatures import Occurrence, Signatures
from safecheck.ir.walk import is_standard
from safecheck.rulebook.judge import Charge
from safecheck.rulebook.rule import Rule
from safecheck.text import printable
from safecheck.values import dataclass, replace

_UNKNOWN = re.compile(r"(?:\A|[\[ ])unknown(?:\Z|[\],])")
"""A value that is not known, alone or in a list, as evidence shows it."""
LAYER = "network:gap"
"""What a rule speaks of that is about a gap."""


@dataclass(slots=True, eq=False)
class Gap:
    """One place where a shape or an element type is lost."""

    value: str
    """Name of the first value about which something is not known."""
    cause: Occurrence | None
    """The node that computes it; None for a value that enters a graph from outside."""
    position: int | None = None
    """Among the signatures, of the first node that it leaves undecided; None while there is none."""
    behind: int = 0
    """How many other nodes it leaves undecided."""

    def evidence(self) -> tuple[Evidence, ...]:
        """What is lost and why, and what that costs."""
        lost = Evidence(f"shape of {printable(self.value, 60)}", f"unknown: {_why(self.cause)}", "must be known")
        if not self.behind:
            return (lost,)
        return lost, Evidence("nodes behind it", str(self.behind), "decided once it is known")


class Gaps:
    """Every gap of a graph, and the nodes behind each."""

    def __init__(self, found: Signatures, undecided: Sequence[bool]) -> None:
        """Find the gaps of a graph, where `undecided` says of each node whether rules leave it so."""
        self._found = found
        self._lost: dict[tuple[Scope, str], Gap] = {}
        self._at: dict[int, Gap] = {}
        self._behind: set[int] = set()
        is_open: dict[int, bool] = {}  # by the signature, which is one object for all nodes alike
        for position, occurrence in enumerate(found.nodes):
            signature = occurrence.signature
            if id(signature) not in is_open:
                is_open[id(signature)] = any(map(_is_open, (*signature.inputs, *signature.outputs)))
            if is_open[id(signature)]:
                self._visit(position, occurrence, undecided[position])

    def settle(self, position: int, charges: tuple[Charge, ...], rule: Rule) -> tuple[Charge, ...]:
        """The charges against a node without what follows from a gap; where the gap is, it is one of them."""
        gap = self._at.get(position)
        if gap is None:
            return tuple([charge for charge in charges if _is_certain(charge)]) if position in self._behind else charges
        if gap.cause is not None and not _is_defined(gap.cause.signature) and charges:
            first, *rest = charges
            return replace(first, evidence=(*first.evidence, *gap.evidence())), *rest
        kept = [charge for charge in charges if _is_certain(charge) or not _rests_on_gap(charge)]
        return Charge(rule, Verdict.UNPROVEN, (), gap.evidence()), *kept

    def hides(self, scope: Scope, name: str) -> bool:
        """Whether nothing is known about a value because of a gap that is reported."""
        gap = self._of(scope, name)
        return gap is not None and gap.position is not None

    def _of(self, scope: Scope, name: str) -> Gap | None:
        at: Scope | None = scope
        while at is not None:
            if (gap := self._lost.get((at, name))) is not None:
                return gap
            at = at.parent
        return None

    def _visit(self, position: int, occurrence: Occurrence, undecided: bool) -> None:
        node, scope = occurrence.node.proto, occurrence.node.scope
        entering = next((gap for name in node.input if name and (gap := self._entering(scope, name))), None)
        if entering is None and any(_is_dynamic(tensor) for tensor in occurrence.signature.inputs):
            return  # an open dimension of the network has rules of its own
        gap = entering
        for name, tensor in zip(node.output, occurrence.signature.outputs, strict=True):
            if name and _is_open(tensor):
                gap = gap or Gap(name, occurrence)
                self._lost[scope, name] = gap
        if gap is None or not undecided:
            return
        if gap.position is None:
            gap.position = position
            self._at[position] = gap
        else:
            gap.behind += 1
            self._behind.add(position)

    def _entering(self, scope: Scope, name: str) -> Gap | None:
        """The gap of an operand; one of its own if it comes from outside and nothing is known about it."""
        if (gap := self._of(scope, name)) is not None:
            return gap
        tensor = self._found.lookup(scope, name)
        if (tensor.shape is not None and tensor.dtype is not None) or scope.producer(name) is not None:
            return None
        gap = self._lost[scope, name] = Gap(name, None)
        return gap


def _is_open(tensor: Tensor | None) -> bool:
    return tensor is not None and (tensor.dtype is None or tensor.shape is None or None in tensor.shape)


def _is_dynamic(tensor: Tensor | None) -> bool:
    if tensor is None or tensor.shape is None:
        return False
    return any(isinstance(dim, str) for dim in tensor.shape) or (tensor.network_input and None in tensor.shape)


def _is_certain(charge: Charge) -> bool:
    return charge.verdict is Verdict.FORBIDDEN


def _rests_on_gap(charge: Charge) -> bool:
    """Whether a charge of a limit only says that it does not know; a misreading or a plugin is another matter."""
    unknown = {part.fact for part in charge.evidence if _UNKNOWN.search(part.actual)}
    return not charge.rule.operators and bool(unknown - {"plugin_interface"})


def _is_defined(node: Signature) -> bool:
    return schemas.known(node.op_type, "" if is_standard(node) else node.domain, node.opset)


def _why(cause: Occurrence | None) -> str:
    """Why nothing is known about what a node computes from operands that are known."""
    if cause is None:
        return "it comes from outside, and the file does not declare it"
    if not _is_defined(cause.signature):
        return "ONNX does not define the operator that computes it"
    if objection := complaint(cause):
        return f"ONNX's inference objects: {objection}"
    operands = list(zip(cause.node.inputs, cause.operands, strict=True))
    moving = [printable(name, 60) for name, tensor in operands[1:] or operands if tensor and not tensor.constant]
    return f"it depends on the numbers in {' and '.join(moving)}" if moving else "ONNX infers none for this form"

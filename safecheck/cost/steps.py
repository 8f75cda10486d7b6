"""What every node of a network moves: the tensors it reads, the weights it reads, the tensors it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from safecheck.cost.macs import Volume, is_settled, volume
from safecheck.ir.signature import Signature, Tensor
from safecheck.ir.signatures import Occurrence
from safecheck.values import dataclass

# Another name for the same bytes. A Cast between floating-point types belongs here too: one precision holds for all.
_VIEWS = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
# Read no more of their first input than they write.
_SELECTIONS = frozenset({"Gather", "GatherElements", "GatherND", "Slice"})
_NOTHING = Volume()
_QUANTISERS = frozenset({"DequantizeLinear", "QuantizeLinear"})


class Step(NamedTuple):
    """One node at work. Tensors are named by the value that holds their bytes, not by views of it."""

    node: Occurrence
    reads: dict[str, Volume]
    """Computed tensors and network inputs."""
    weights: dict[str, Volume]
    """Constants."""
    writes: dict[str, Volume]

    @property
    def moved(self) -> Iterator[Volume]:
        """The sizes of all computed tensors that the node touches."""
        yield from self.reads.values()
        yield from self.writes.values()


@dataclass(slots=True)
class Steps:
    """The work of a network in file order; nodes that only rename or compute constants do none."""

    steps: list[Step]
    outputs: frozenset[str]
    """Tensors that are network outputs."""
    problem: str
    """Why sizes are missing; empty if every one is known."""


def steps(nodes: Sequence[Occurrence], outputs: Iterable[str]) -> Steps:
    """Follow the nodes of the main graph, in file order. A tensor of unknown size stops the walk."""
    sizes: dict[int, _Sizes] = {}  # by the signature, which is one object for all nodes alike
    held: dict[str, str] = {}  # value -> the value whose bytes it is another name for
    fixed: set[str] = set()  # values that depend on constants and fixed shapes only
    found: list[Step] = []
    problem = ""
    for node in nodes:
        signature, inputs, written = node.signature, node.node.inputs, node.node.outputs
        if node.fixed or signature.op_type == "Constant":
            fixed.update(written)
            continue
        known = sizes.get(id(signature))
        if known is None:
            known = sizes[id(signature)] = _sizes(signature)
        if known.view and inputs:
            first = inputs[0]
            if first in fixed:
                fixed.add(written[0])
            held[written[0]] = held.get(first, first)
            continue
        if signature.op_type in _QUANTISERS and inputs and (known.settled or inputs[0] in fixed):
            fixed.add(written[0])  # weights that are stored quantised, or are quantised when the engine is built
            continue
        if not known.complete:
            problem = f"the size of a tensor of node {node.node.index} is not known"
            break
        reads: dict[str, Volume] = {}
        weights: dict[str, Volume] = {}
        for position, size, constant, steers in known.operands:
            name = inputs[position]
            if not constant and name not in fixed:
                reads[held.get(name, name)] = size
            elif not steers:
                weights[name] = size
        found.append(Step(node, reads, weights, dict(zip(written, known.outputs, strict=False))))
    return Steps(found, frozenset(held.get(name, name) for name in outputs), problem)


class _Sizes(NamedTuple):
    """What the form of a node says about the sizes of its tensors."""

    view: bool
    settled: bool
    """Whether the first input is known before the network runs."""
    operands: tuple[tuple[int, Volume, bool, bool], ...]
    """Inputs that cost something: position, size, whether one is known before the network runs, and whether the builder
    reads it then instead of the engine."""
    outputs: tuple[Volume, ...]
    complete: bool


def _sizes(signature: Signature) -> _Sizes:
    written = [volume(tensor) if tensor is not None else _NOTHING for tensor in signature.outputs]
    constant = tuple([tensor is not None and is_settled(tensor) for tensor in signature.inputs])
    steers = tuple([tensor is not None and _is_integer_vector(tensor) for tensor in signature.inputs])
    read = [
        _NOTHING if tensor is None or (known and steering) else volume(tensor)
        for tensor, known, steering in zip(signature.inputs, constant, steers, strict=True)
    ]
    complete = None not in written and None not in read
    if complete and signature.op_type in _SELECTIONS and read and written:
        read[0] = min(read[0] or _NOTHING, written[0] or _NOTHING)
    casts = signature.op_type == "Cast" and complete and all(size and size.floats for size in (*read[:1], *written[:1]))
    return _Sizes(
        view=signature.op_type in _VIEWS or casts,
        settled=any(constant[:1]),
        operands=tuple(
            [
                (position, size, known, steering)
                for position, (size, known, steering) in enumerate(zip(read, constant, steers, strict=True))
                if size is not None and size != _NOTHING
            ]
        ),
        outputs=tuple([size or _NOTHING for size in written]),
        complete=complete,
    )


def _is_integer_vector(tensor: Tensor) -> bool:
    """Constants of this kind are shapes, axes and bounds."""
    return tensor.dtype in ("INT64", "INT32") and len(tensor.shape or ()) <= 1

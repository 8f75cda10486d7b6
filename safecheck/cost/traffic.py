"""What a network costs as a whole, and how much memory traffic a frame causes by batch: an estimate, not a measurement.

The estimate follows the tensors, not the clock. It counts what kernels exchange through memory and what of it a cache
can hold. The assumptions are data (`assumptions`), because a figure without them means nothing; reports print them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from safecheck.cost.kernels import Kernel, kernels
from safecheck.cost.macs import Precision, Volume, macs, product_weights, total
from safecheck.cost.memory import CACHE as CACHE
from safecheck.cost.memory import memory
from safecheck.cost.steps import Step, steps
from safecheck.ir.model import Model
from safecheck.ir.signature import Signature
from safecheck.ir.signatures import Occurrence
from safecheck.values import dataclass, field

BATCHES = (1, 4, 8, 16)
"""The batches of NVIDIA's article on Convolutional Self-Attention."""


class Assumption(NamedTuple):
    """Something that the estimate takes for granted."""

    id: str
    text: str
    source: str = ""
    """Key in `rules/sources.yaml`; empty for a choice of this model."""


def assumptions(cache: int = CACHE) -> tuple[Assumption, ...]:
    """What the estimate rests on; reports print it beside the figures."""
    return (
        Assumption(
            "one-precision",
            "Every floating-point tensor is held in the precision named; integers and booleans keep their type. "
            "A real engine mixes precisions.",
        ),
        Assumption(
            "fusion",
            "Pointwise operators run in the kernel of the convolution, matrix product or pointwise operators before "
            "them, and what passes between them does not reach memory. Attention and longer chains are not fused. "
            "Reshape and its like cost nothing; Transpose, Slice and Concat copy.",
            "tensorrt-fusions",
        ),
        Assumption(
            "once-per-kernel",
            "A kernel reads each of its tensors once and writes each once, whatever its tiling does. There is no "
            "scratch memory, no change of layout and no padding.",
        ),
        Assumption("weights", "Every kernel reads its weights from memory once per batch; a frame bears its share."),
        _caching(cache),
        Assumption(
            "batch", "The first dimension of the network inputs is the batch, and every computed tensor grows with it."
        ),
    )


def _caching(cache: int) -> Assumption:
    if cache == 0:
        return Assumption("cache", "No cache: everything that kernels exchange goes through memory.")
    size = f"{cache / 2**20:g} MiB" + (", the L2 cache of the GPU in Orin" if cache == CACHE else "")
    return Assumption(
        "cache",
        "A tensor stays on chip on its way to a reader if all that is moved from the kernel that last touched it "
        f"through the reader fits into the cache ({size}). A tensor that always stays there is not written to memory. "
        "Network inputs are read, network outputs written.",
        "orin-brief" if cache == CACHE else "",
    )


@dataclass(frozen=True, slots=True)
class NodeCost:
    """What one node of the main graph does. Nodes that are folded or only rename a tensor do nothing."""

    index: int
    op_type: str
    macs: int | None
    weights: Volume
    activations: Volume
    """Inputs and outputs that are computed, without views."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model costs. None is never zero: it means that a size is not known, and `problem` says which."""

    parameters: int
    """Floating-point elements of the initializers of the file."""
    products: Products
    """For the batch of the file."""
    batch: int | None
    """First dimension of all network inputs; None if they differ or it is not a number."""
    problem: str
    """Why sizes or traffic are not known; empty if they are."""
    outputs: frozenset[str] = field(repr=False)
    kernels: tuple[Kernel, ...] = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for the batch of the file."""
        return self.products.macs

    @property
    def weights(self) -> Volume | None:
        """The constants that kernels read, each once."""
        found: dict[str, Volume] = {}
        for kernel in self.kernels:
            found |= kernel.weights
        return None if self.problem else total(found.values())

    @property
    def activations(self) -> Volume | None:
        """What all nodes read and write, as if nothing were fused, for the batch of the file."""
        return None if self.problem else total(size for step in self.steps for size in step.moved)

    def traffic(self, precision: Precision, batch: int = 1, cache: int = CACHE) -> int | None:
        """Estimated bytes to and from memory per frame when `batch` frames run at once."""
        if self.problem or self.batch is None:
            return None
        moved = memory(self.kernels, self.outputs, precision, batch, self.batch, cache)
        return round(moved / (self.batch * batch))

    def nodes(self) -> list[NodeCost]:
        """Node by node, in file order."""
        return [
            NodeCost(
                step.node.node.index,
                step.node.signature.op_type,
                macs(step.node.signature),
                total(step.weights.values()),
                total(step.moved),
            )
            for step in self.steps
        ]


def cost_of(model: Model, nodes: Sequence[Occurrence], counted: Products) -> Cost:
    """The cost of a model from its nodes, in the order of `forms`, and their products."""
    main = [occurrence for occurrence in nodes if occurrence.node.scope.path == ""]
    work = steps(main, model.graph.scopes[0].outputs)
    batch = _batch(model)
    problem = work.problem
    if any(scope.parent is not None for scope in model.graph.scopes):
        problem = "what graphs inside of nodes do depends on data"
    elif not problem and batch is None:
        problem = "the network inputs have no common batch"
    return Cost(
        parameters=model.parameters,
        products=counted,
        batch=batch,
        problem=problem,
        outputs=work.outputs,
        kernels=tuple(kernels(work)) if not problem else (),
        steps=tuple(work.steps) if not problem else (),
    )


class Products(NamedTuple):
    """What the convolutions and products of the main graph amount to."""

    macs: int | None
    """Multiply-accumulates; None if a shape is not known, or how often a nested product runs."""
    weights: int
    """Elements of the constants that they multiply with: the fingerprint of an architecture."""


def products(nodes: Sequence[Occurrence]) -> Products:
    """Count the products of a model whose nodes come in the order of `signatures`; folded nodes do nothing."""
    forms = {id(occurrence.signature): occurrence.signature for occurrence in nodes}
    times: Counter[int] = Counter()
    nested: set[Signature] = set()
    for occurrence in nodes:
        path = occurrence.node.scope.path
        if path == "" and not occurrence.computes_constant:
            times[id(occurrence.signature)] += 1
        elif path and not path.startswith("function:"):  # a call of a function is a node of another domain
            nested.add(occurrence.signature)
    counted = [(forms[form], count) for form, count in times.items()]
    counts = [(macs(signature), count) for signature, count in counted]
    known = all(each is not None for each, _ in counts) and not any(macs(signature) != 0 for signature in nested)
    return Products(
        sum((each or 0) * count for each, count in counts) if known else None,
        sum(product_weights(signature) * count for signature, count in counted),
    )


def _batch(model: Model) -> int | None:
    known = model.graph.scopes[0].tensors
    tensors = [known[value.name] for value in model.proto.graph.input]
    shapes = [tensor.shape for tensor in tensors if not tensor.constant and tensor.shape != ()]
    first = {shape[0] if shape else None for shape in shapes}
    batch = first.pop() if len(first) == 1 else None
    return batch if isinstance(batch, int) and batch > 0 else None

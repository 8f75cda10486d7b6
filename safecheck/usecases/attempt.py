"""One way from a model to a rewritten one: prepare, normalise, rewrite. It can be walked again with steps left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from safecheck.cost.price import Price, network_price, ratio
from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.reach import may_never_run
from safecheck.ir.signature import Tensor
from safecheck.ir.signatures import Occurrence, signatures
from safecheck.ir.validity import violation
from safecheck.rewrite.canonicalize.ends import cut, widen
from safecheck.rewrite.canonicalize.interface import fix_batch, inline_functions
from safecheck.rewrite.canonicalize.opset import convert_opset
from safecheck.rewrite.canonicalize.repair import repair
from safecheck.rewrite.canonicalize.run import KINDS, normalise
from safecheck.rewrite.driver import Denied, Step, name_of, rewrite_all, words
from safecheck.rewrite.graph import LARGEST, MutableGraph
from safecheck.rewrite.listing import listing
from safecheck.rewrite.prices import Purse
from safecheck.rewrite.proof.difference import Difference
from safecheck.rewrite.proof.local import Proof, Shown
from safecheck.rewrite.proof.whole import Scope
from safecheck.rewrite.rules import REWRITES
from safecheck.rewrite.shelf import Shelf
from safecheck.rewrite.verdicts import Verdicts
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.usecases.calibration import calibrate


@dataclass(frozen=True)
class Request:
    """What the caller wants done."""

    batch: int | None = None
    opset: int | None = None
    selected: Collection[str] = ()
    """Only these rewrites; empty for all. Normalisation always runs unless ignored."""
    ignored: Collection[str] = ()
    whole: bool = True
    """Whether the two models are run against each other as a whole."""
    calibration: str = ""
    """A folder of images, or a number of random inputs, on which ranges are measured; empty: they are assumed."""
    largest: int = LARGEST
    """Bytes that no tensor of a replacement may exceed where it can be written in parts."""
    illustrate: bool = False
    """Whether the audit of the result knows its pictures."""
    ends: tuple[str, ...] = ()
    """Values that the network is to end at; empty for its outputs."""
    four: bool = False
    """Whether network inputs and outputs get four dimensions."""
    max_price: float | None = None
    """What the network may cost, as a multiple of the original; None for whatever compliance costs."""
    measure: bool = False
    """Whether original and result are timed."""


@dataclass
class Attempt:
    """A model on its way."""

    graph: MutableGraph
    steps: list[Step]
    before: list[str]
    """The node list before anything but preparation was done."""
    original: Price | None
    """What the model cost then; None if a size is not known."""

    @property
    def applied(self) -> list[Step]:
        """What took place, in order."""
        return [step for step in self.steps if step.applied]

    @property
    def rewrites(self) -> list[Step]:
        """The rewrites among it."""
        return [step for step in self.applied if step.anchor]

    @cached_property
    def scope(self) -> Scope:
        """On what the result has to agree with the original: as far as the claims of all steps go."""
        plain = not any(step.proof.ranges for step in self.applied if step.proof is not None)
        half = any(tensor.dtype in ("FLOAT16", "BFLOAT16") for tensor in self.graph.tensors.values())
        return Scope(plain, half)

    @cached_property
    def price(self) -> Price | None:
        """What the model costs now; None if a size is not known."""
        self.graph.drop_unused()
        return _price(self.graph)

    def overdrawn(self, limit: float) -> float:
        """By how much the price is beyond so many times the original's; 0 if it is not, or nothing is known."""
        if self.original is None or self.price is None:
            return 0.0
        return max(0.0, ratio(self.price, self.original) - limit)

    def release(self) -> Any:
        """The ModelProto as it stands. The graph is gone then: it would hold small weights once more."""
        self.graph.drop_unused()
        model = self.graph.model()
        del self.graph
        return model


def attempt(
    proto: Any,
    steps: list[Step],
    profile: Profile,
    request: Request,
    proofs: Shown,
    denied: Denied | None = None,
    most: int | None = None,
    limit: float | None = None,
    proving: bool = True,
    shelf: Shelf | None = None,
) -> Attempt:
    """Normalise and rewrite a prepared model, which is used up; at most so many rewrites, and none that is denied.

    `steps` are those of the preparation, `proofs` what earlier attempts have shown, `limit` the multiple of its price
    that rewrites keep to, which may be stricter than what was asked for. Without `proving` it is a plan. Large weights
    are on the `shelf`, if there is one.

    Raises:
        InputError: ONNX forbids a node, or ranges are to be measured on images, and the network is none for images.
        UsageError: they cannot be measured as asked.
    """
    graph = MutableGraph(proto, shelf)
    inferred = graph.inferred()
    nodes = signatures(inferred).nodes
    _refuse_forbidden(nodes)
    graph.largest = request.largest
    graph.adopt(Shown, proofs)
    before, original = listing(graph), network_price(inferred, nodes)
    found = [*steps, *_normalised(graph, request, profile)]
    chosen = [name for name in request.selected if name in {rewrite.name for rewrite in REWRITES}]
    if chosen or not request.selected:
        if request.calibration:
            calibrate(graph, request.calibration)
        verdicts = Verdicts(graph, profile)
        purse = None if limit is None or request.max_price is None else Purse(original, limit, request.max_price)
        found += rewrite_all(graph, verdicts, chosen, request.ignored, proving, purse=purse, denied=denied, most=most)
    return Attempt(graph, found, before, original)


def _refuse_forbidden(nodes: Iterable[Occurrence]) -> None:
    """What stood in a function, where its operands were not known, is held against ONNX once it stands in the network.

    Raises:
        InputError: ONNX forbids a node.
    """
    seen: set[int] = set()
    for occurrence in nodes:
        signature, node = occurrence.signature, occurrence.node
        if id(signature) in seen or may_never_run(node.scope):
            continue
        seen.add(id(signature))
        if (found := violation(signature)) is not None:
            where = f"node {printable(name_of(node.proto), 80)} ({printable(signature.op_type, 60)}) with its operands"
            raise found.error(where)


def _price(graph: MutableGraph) -> Price | None:
    inferred = graph.inferred()
    return network_price(inferred, signatures(inferred).nodes)


def inputs_of(proto: Any) -> dict[str, Tensor]:
    """Types of the network inputs that have to be fed."""
    stored = {tensor.name for tensor in proto.graph.initializer}
    return {value.name: tensor_from_value_info(value) for value in proto.graph.input if value.name not in stored}


def bounded(proto: Any, request: Request) -> list[Step]:
    """The network between other ends, as it is asked for; `proto` is changed.

    Raises:
        UsageError: an end is no value of the network.
    """
    steps = []
    if request.ends:
        gone = cut(proto, request.ends)
        method = f"the network ends at {', '.join(printable(name, 60) for name in request.ends)}; the host computes: "
        steps.append(plain("cut-outputs", (), [], method + (words(gone) or "nothing more"), words(gone)))
    if request.four:
        steps += _batched(proto, request)
        if names := widen(proto):
            method = f"the same bytes with four dimensions: {', '.join(printable(name, 60) for name in names)}"
            steps.append(plain("widen-interface", (), [], method))
    return steps


def _batched(proto: Any, request: Request) -> list[Step]:
    """The batch that was asked for; `proto` is changed."""
    if request.batch is None or not fix_batch(proto, request.batch):
        return []
    return [plain("fix-batch", ("fix-batch",), [], f"every open batch is {request.batch}")]


def repaired(proto: Any, request: Request) -> list[Step]:
    """Spellings mended that nothing can read as they are; `proto` is changed."""
    nodes = repair(proto) if "count-axes-from-front" not in request.ignored else []
    names = [name_of(node) for node in nodes]
    return [plain("count-axes-from-front", (), names, "a negative axis counts from the end")] if nodes else []


def prepared(proto: Any, request: Request, path: str) -> tuple[Any, list[Step]]:
    """What was asked for before anything is rewritten, and functions written out.

    Raises:
        InputError: onnx has no conversion to the operator set that is asked for.
        UsageError: the batch is fixed.
    """
    steps: list[Step] = []
    proto, count = inline_functions(proto)
    if count:
        method = f"{count} model-local functions written out where they are called"
        steps.append(plain("inline-functions", (), [], method))
    if request.opset is not None:
        converted = convert_opset(proto, request.opset, printable(path))
        if converted is not proto:
            method = f"converted to opset {request.opset} by onnx.version_converter"
            steps.append(plain("convert-opset", (), [], method))
        proto = converted
    if not request.four:  # else it is part of what the network was given as ends
        steps += _batched(proto, request)
    return proto, steps


def _normalised(graph: MutableGraph, request: Request, profile: Profile) -> list[Step]:
    ignored = frozenset(request.ignored)
    products = [node for node in graph.nodes if node.op_type == "Einsum"]
    if products and Verdicts(graph, profile).weigh(products).total == 0:
        ignored |= {"write-out-einsum"}  # where all of them are permitted they may stay
    gone = normalise(graph, ignored)
    kinds = {kind.name: kind for kind in KINDS}
    return [
        plain(name, kinds[name].remedies, [name_of(node) for node in nodes], kinds[name].method, words(nodes))
        for name, nodes in gone.items()
    ]


def plain(name: str, remedies: tuple[str, ...], nodes: list[str], method: str, before: str = "") -> Step:
    """A step that is right by its construction; nothing but the comparison of the whole models shows it."""
    proof = Proof("by construction", method, Difference(), 0, 0)
    return Step(name, remedies, tuple(nodes), True, "", before, "", proof)

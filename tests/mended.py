"""Small models with weights, what rewrites make of them, and how far the results are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx.parser

from safecheck.ir.protos import proto_from_array
from safecheck.rewrite.canonicalize.run import normalise
from safecheck.rewrite.driver import Step, rewrite_all
from safecheck.rewrite.graph import MutableGraph
from safecheck.rewrite.proof.runtime import Session
from safecheck.rewrite.verdicts import Verdicts, Weight
from safecheck.rulebook.load import profile

RESTRICTED = "tensorrt-8.6-restricted"
SAFETY_10 = "tensorrt-10-safety"


@dataclass(frozen=True)
class Mended:
    """One model before and after."""

    before: onnx.ModelProto
    after: onnx.ModelProto
    steps: list[Step]
    weights: tuple[Weight, Weight]
    """What the profile did not allow, before and after."""

    @property
    def applied(self) -> list[str]:
        return [step.name for step in self.steps if step.applied]

    @property
    def reasons(self) -> str:
        return "; ".join(step.reason for step in self.steps if not step.applied)

    @property
    def operators(self) -> list[str]:
        return [node.op_type for node in self.after.graph.node]

    @property
    def kinds(self) -> list[str]:
        return [step.proof.kind for step in self.steps if step.proof is not None]

    def difference(self, scale: float = 1.0, seed: int = 0) -> float:
        """The largest absolute difference on normal samples."""
        feed = random_feed(self.before, scale, seed)
        pairs = zip(run(self.before, feed), run(self.after, feed), strict=True)
        return max(float(np.abs(old.astype(np.float64) - new.astype(np.float64)).max()) for old, new in pairs)

    def error(self) -> float:
        """The largest difference on normal samples, relative to the largest result."""
        feed = random_feed(self.before)
        return self.difference() / max(float(np.abs(result).max()) for result in run(self.before, feed))


def model(text: str, weights: Mapping[str, Any] | None = None, opset: int = 17) -> onnx.ModelProto:
    """A model from ONNX text, its initializers given as arrays."""
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')
    proto.graph.initializer.extend(proto_from_array(name, np.asarray(array)) for name, array in (weights or {}).items())
    return proto


def normal(*shape: int, seed: int = 1, dtype: Any = np.float32) -> Any:
    """Normally distributed weights."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def mended(proto: onnx.ModelProto, *names: str, profile_id: str = RESTRICTED) -> Mended:
    """Let the named rewrites (all if none) do what they can for a profile, after the usual normalisation."""
    graph = MutableGraph(onnx.ModelProto.FromString(proto.SerializeToString()))
    normalise(graph)
    verdicts = Verdicts(graph, profile(profile_id))
    heavy = verdicts.weigh(graph.nodes)
    steps = rewrite_all(graph, verdicts, names)
    light = verdicts.weigh(graph.nodes)
    graph.drop_unused()
    after = graph.model()
    onnx.checker.check_model(after, full_check=True)
    return Mended(proto, after, steps, (heavy, light))


def bounded_by(case: Mended, name: str, operators: set[str]) -> None:
    """One rewrite has made the network permitted, out of these operators and within a bound."""
    assert case.applied == [name]
    assert case.weights[1].total == 0
    assert case.kinds == ["bounded"]
    assert set(case.operators) <= operators


def rewritten(text: str, *names: str, opset: int = 17, target: str = RESTRICTED) -> Mended:
    """What the named rewrites make of a graph in ONNX text; a second time they have nothing left to do."""
    proto = model(text, opset=opset)
    onnx.checker.check_model(proto, full_check=True)
    case = mended(proto, *names, profile_id=target)
    assert not mended(case.after, *names, profile_id=target).applied
    return case


def run(proto: onnx.ModelProto, feed: Mapping[str, Any]) -> list[Any]:
    """The results in onnxruntime without its own rewrites."""
    return Session(proto.SerializeToString()).run(feed)


def random_feed(proto: onnx.ModelProto, scale: float = 1.0, seed: int = 0) -> dict[str, Any]:
    """Normal samples for every input."""
    random = np.random.default_rng(seed)
    given = {tensor.name for tensor in proto.graph.initializer}
    feed = {}
    for value in proto.graph.input:
        if value.name not in given:
            kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            feed[value.name] = (scale * random.standard_normal(shape)).astype(kind)
    return feed


def standardised(x: Any, axes: tuple[int, ...], epsilon: float, centred: bool = True) -> Any:
    """Elements (less their mean over some axes, if wanted) divided by the root of their mean square + epsilon."""
    x = x.astype(np.float64)
    centre = x - x.mean(axes, keepdims=True) if centred else x
    return centre / np.sqrt((centre**2).mean(axes, keepdims=True) + epsilon)


def samples(shape: tuple[int, ...], scale: float, seed: int = 0) -> Any:
    """Normal samples whose mean is as large as their deviation."""
    return (scale * (np.random.default_rng(seed).standard_normal(shape) + 1)).astype(np.float32)

"""What NVIDIA's own ONNX parser makes of a model, and how a lowering table compares with it.

The parser comes from the package `tensorrt_rtx_cu13_bindings`, whose version 1.4.0.76 holds that of a late TensorRT
10.x and needs no GPU. Every model is parsed in a child process that ends without cleaning up, as the library expects
of one that handles several networks.
"""

from __future__ import annotations

import collections
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import onnx.backend.test.case.node
import onnx.numpy_helper

from safecheck.ir.model import load
from safecheck.ir.signatures import signatures
from safecheck.nvidia.scope_check import labels
from safecheck.rulebook.lowering import lower as lowering
from safecheck.rulebook.lowering.table import Table, table_from_yaml

RULES = Path(__file__).parents[3] / "rules" / "lowering"
# How the parser reports what INetworkDefinition refuses: types and shapes of a layer it has already chosen.
NOT_THE_PARSER = "Invalid Node"

Labels = collections.Counter[str]
Parse = Callable[[bytes], Callable[[], "Labels | str"]]
"""Starts parsing a model; the answer is the layers, or why there are none."""


class Case(NamedTuple):
    """A model with one node in its main graph."""

    name: str
    op_type: str
    model: Any


class Outcome(NamedTuple):
    """One case, both sides of it."""

    case: Case
    agrees: bool | None
    """None if the network refused a layer of its own accord, so that the parser's list is cut short."""
    exact: bool
    """Whether also constants and layers with a count are as many as the table's layers."""
    expected: str
    """What the table says, a line per alternative."""
    actual: str
    """What the parser did."""


def parser() -> Parse:
    """NVIDIA's parser; ImportError where it is not installed.

    A server process holds nothing but the library, so that forking a child for every model stays cheap.
    """
    import tensorrt_rtx_bindings as trt

    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _serve(trt, theirs.makefile("rwb"))
        os._exit(0)
    theirs.close()
    stream = ours.makefile("rwb")

    def answer() -> Labels | str:
        found = json.loads(_receive(stream))
        return collections.Counter(found) if isinstance(found, list) else str(found)

    def parse(model: bytes) -> Callable[[], Labels | str]:
        _send(stream, model)
        return answer

    return parse


def _serve(trt: Any, stream: Any) -> None:
    while model := _receive(stream):
        child = os.fork()
        if child == 0:
            _send(stream, json.dumps(_layers(trt, model)).encode())
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            _send(stream, json.dumps("the parser crashed").encode())


def _send(stream: Any, data: bytes) -> None:
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def _receive(stream: Any) -> bytes:
    return bytes(stream.read(int.from_bytes(stream.read(8), "big")))


def _layers(trt: Any, model: bytes) -> list[str] | str:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.dup2(2, 1)
    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    reader = trt.OnnxParser(network, logger)
    if not reader.parse(model):
        return "; ".join(reader.get_error(number).desc() for number in range(reader.num_errors)) or "refused"
    return [labels.label(trt, network.get_layer(number)) for number in range(network.num_layers)]


def cases() -> Iterator[Case]:
    """ONNX's node tests: as they are, and with every input after the first as an initializer where that differs."""
    for test in onnx.backend.test.case.node.collect_testcases(None):
        graph = test.model.graph
        if len(graph.node) != 1:
            continue
        yield Case(test.name, graph.node[0].op_type, test.model)
        given = dict(zip([value.name for value in graph.input], test.data_sets[0][0], strict=False))
        fixed = [name for name in dict.fromkeys(graph.node[0].input[1:]) if name in given]
        if fixed and not graph.initializer and not any(isinstance(given[name], list | type(None)) for name in fixed):
            yield Case(f"{test.name}_constants", graph.node[0].op_type, _with_constants(test.model, given, fixed))


def _with_constants(model: Any, given: dict[str, Any], names: list[str]) -> Any:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for name in names:
        value = given[name]
        tensor = onnx.TensorProto()
        tensor.CopyFrom(value) if isinstance(value, onnx.TensorProto) else tensor.CopyFrom(
            onnx.numpy_helper.from_array(value)
        )
        tensor.name = name
        changed.graph.initializer.append(tensor)
    kept = [value for value in model.graph.input if value.name not in names]
    del changed.graph.input[:]
    changed.graph.input.extend(kept)
    return changed


def table(name: str) -> Table:
    """A lowering table of this project."""
    return table_from_yaml(
        (RULES / f"{name}.yaml").read_text(encoding="utf-8"),
        f"{name}.yaml",
        lambda parent, _: (RULES / f"{parent}.yaml").read_text(encoding="utf-8"),
    )


def compare(known: Table, parse: Parse, wanted: Callable[[Case], bool] = lambda _: True) -> Iterator[Outcome]:
    """Every wanted case on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        for case in cases():
            if not wanted(case):
                continue
            data = case.model.SerializeToString()
            path.write_bytes(data)
            answer = parse(data)
            candidates = expectation(known, str(path))
            actual = answer()
            stopped = isinstance(actual, str) and actual.startswith(NOT_THE_PARSER)
            yield Outcome(
                case,
                None if stopped else any(candidate.admits(actual) for candidate in candidates),
                any(
                    candidate.refused if isinstance(actual, str) else candidate.certain == actual
                    for candidate in candidates
                ),
                "\n".join(str(candidate) for candidate in candidates),
                actual if isinstance(actual, str) else _show(actual),
            )


class Candidate(NamedTuple):
    """What a table says about a whole model, for one choice of alternatives."""

    refused: bool | None
    """None if a refusal could not be decided."""
    certain: Labels
    perhaps: Labels
    counted: frozenset[str]
    """Layers that the table gives with a count other than one: only their presence is compared."""

    def admits(self, actual: Labels | str) -> bool:
        """Whether the parser's answer is what the table says."""
        if isinstance(actual, str):
            return self.refused is not False
        if self.refused:
            return False
        for label in {*actual, *self.certain} - {"IConstantLayer"}:
            least, most = self.certain[label], self.certain[label] + self.perhaps[label]
            found = actual[label]
            if label in self.counted:
                least, most, found = min(least, 1), min(most, 1), min(found, 1)
            if not least <= found <= most:
                return False
        return True

    def __str__(self) -> str:
        if self.refused:
            return "refused"
        return _show(self.certain) + (f" (perhaps {_show(self.perhaps)})" if self.perhaps else "")


def expectation(known: Table, path: str) -> list[Candidate]:
    """The candidates of the table for a model file; a model of several nodes has the sum of its nodes' candidates."""
    totals = [Candidate(False, Labels(), Labels(), frozenset())]
    for occurrence in signatures(load(path).graph).nodes:
        options = [
            _candidate(known, found.layers, occurrence.signature.op_type)
            for found in lowering.lower(known, occurrence.signature).alternatives
        ]
        totals = [_sum(one, other) for one in totals for other in options][:64]
    return totals


def _candidate(known: Table, layers: tuple[Any, ...], op_type: str) -> Candidate:
    # Documented types are a promise, not a check: the parser reads more.
    real = [layer for layer in layers if layer.type != lowering.OPERATOR_TYPE]
    refusals = [layer.certain for layer in real if layer.type.startswith("parser:")]
    refused = True if True in refusals else None if refusals else False
    drawn = [layer for layer in real if not layer.type.startswith("parser:")]
    operator = known.operator(op_type)
    steps = [step for variant in operator.variants for step in variant.steps] if operator else []
    words = {step.perhaps for step in steps} - {""}
    return Candidate(
        refused,
        Labels(layer.label for layer in drawn if layer.certain and layer.role not in words),
        Labels(layer.label for layer in drawn if not layer.certain or layer.role in words),
        frozenset(f"{step.layer}:{step.kind}" if step.kind else str(step.layer) for step in steps if step.count != 1),
    )


def _sum(one: Candidate, other: Candidate) -> Candidate:
    return Candidate(
        True if True in (one.refused, other.refused) else None if None in (one.refused, other.refused) else False,
        one.certain + other.certain,
        one.perhaps + other.perhaps,
        one.counted | other.counted,
    )


def _show(labels: Labels) -> str:
    return " ".join(f"{label}x{count}" if count > 1 else label for label, count in sorted(labels.items())) or "nothing"

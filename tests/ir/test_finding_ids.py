"""Fingerprints: the same for every spelling of one structure, another for every other structure."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from pathlib import Path

import onnx
import pytest
from case_files import model_from_text

from safecheck.audit.audit import audit
from safecheck.finding import Finding
from safecheck.ir.model import load
from safecheck.rulebook.load import DEFAULT, profile

DATA = Path(__file__).parents[1] / "corpus" / "data"
NETWORK = "csa_tiny_sizes_mean"


def findings(proto: onnx.ModelProto, folder: Path) -> tuple[Finding, ...]:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return audit(load(str(path)), profile(DEFAULT)).findings


def export(name: str, network: str = NETWORK) -> onnx.ModelProto:
    """An export of the corpus, with zeros for its stripped weights."""
    proto = onnx.ModelProto.FromString(gzip.decompress((DATA / f"{network}__{name}.onnx.gz").read_bytes()))
    for tensor in proto.graph.initializer:
        if tensor.doc_string == "stripped":
            size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            for dim in tensor.dims:
                size *= dim
            tensor.ClearField("doc_string")
            tensor.data_location = tensor.EXTERNAL
            tensor.external_data.add(key="location", value="zeros.bin")
            tensor.external_data.add(key="length", value=str(size))
    return proto


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports")
    (path / "zeros.bin").write_bytes(bytes(64 << 20))
    return path


def by_rule(found: tuple[Finding, ...]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for finding in found:
        groups.setdefault(finding.rule, []).append(finding.fingerprint)
    return {rule: sorted(group) for rule, group in groups.items()}


def renamed_and_reordered(proto: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Every node and inner value under another name, the nodes in another topological order."""
    chance = random.Random(seed)
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    graph = copy.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {"": ""}

    def new(name: str) -> str:
        if name in kept:
            return name
        return names.setdefault(name, f"t{len(names) * 7919 % 100_003}_{len(names)}")

    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    del graph.value_info[:]
    for number, node in enumerate(graph.node):
        node.name = f"other/{number}"
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
    defined = {"", *kept - {value.name for value in graph.output}, *(tensor.name for tensor in graph.initializer)}
    waiting, order = list(graph.node), []
    while waiting:
        ready = [node for node in waiting if defined.issuperset(node.input)]
        node = chance.choice(ready)
        waiting.remove(node)
        order.append(node)
        defined.update(node.output)
    before = [node.name for node in graph.node]
    assert [node.name for node in order] != before
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in order]
    del graph.node[:]
    graph.node.extend(nodes)
    tensors = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in graph.initializer]
    chance.shuffle(tensors)
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    return copy


# The nodes of CSA's dynamo export have one order only, so that of another network stands for that exporter.
@pytest.mark.slow
@pytest.mark.parametrize(("network", "name"), [(NETWORK, "legacy17"), ("cvt_13", "dynamo20")])
def test_names_and_order_do_not_matter(network: str, name: str, folder: Path) -> None:
    original = export(name, network)
    expected = by_rule(findings(original, folder))
    for seed in (1, 2):
        copy = renamed_and_reordered(original, seed)
        found = findings(copy, folder)
        assert {finding.location.node for finding in found if finding.location.index is not None} <= {
            node.name for node in copy.graph.node
        }
        assert by_rule(found) == expected


def test_the_exporters_agree_about_the_violations_of_one_network(folder: Path) -> None:
    legacy = by_rule(findings(export("legacy17"), folder))
    dynamo = by_rule(findings(export("dynamo18"), folder))
    # ReduceMean: axes as attribute and as input. Resize: a computed and a constant size, other defaults written out.
    assert {rule: len(legacy[rule]) for rule in ("reduce-mean", "resize-sizes")} == {
        "reduce-mean": 1,
        "resize-sizes": 14,
    }
    assert legacy["reduce-mean"] == dynamo["reduce-mean"]
    assert legacy["resize-sizes"] == dynamo["resize-sizes"]
    # What only one of them writes is a violation of that export alone.
    hanging_on_identities = {  # equal parameters of a normalisation, which the older exporter stores once
        "computed-constant", "constant-other", "elementwise-other", "shuffle-other", "tensor-rank-1", "unary-operation",
    }  # fmt: skip
    assert set(legacy) - set(dynamo) == {"static-shape-arithmetic", *hanging_on_identities}
    assert set(dynamo) - set(legacy) == {"mistranslation-reduce-axes-input"}


def test_a_changed_violation_is_another_one(folder: Path) -> None:
    """Another interpolation of one Resize: the fingerprints of its findings change, and no others."""
    original = export("dynamo18")
    before = findings(original, folder)
    copy = onnx.ModelProto.FromString(original.SerializeToString())
    index, node = next((index, node) for index, node in enumerate(copy.graph.node) if node.op_type == "Resize")
    next(part for part in node.attribute if part.name == "mode").s = b"nearest"
    after = findings(copy, folder)
    for rule, count in {"resize-sizes": 1, "constant-parameter-rank-1": 1, "reduce-mean": 0}.items():
        one, other = Counter(by_rule(before)[rule]), Counter(by_rule(after)[rule])
        assert sum((one - other).values()) == sum((other - one).values()) == count, rule
    known = {finding.fingerprint for finding in before}
    assert {finding.location.index for finding in after if finding.fingerprint not in known} == {index}


PAIRS = {
    # the same structure in two spellings
    "axes attribute or input": (
        (17, "(float[1,8,6,6] x) => (y) { y = ReduceMean<axes=[2,3], keepdims=1>(x) }"),
        (18, "(float[1,8,6,6] x) => (y) <int64[2] a = {-1,-2}> { y = ReduceMean(x, a) }"),
    ),
    "a default written out": (
        (17, "(float[1,8,6,6] x) => (y) { y = Softmax<axis=-1>(x) }"),
        (17, "(float[1,8,6,6] x) => (y) { y = Softmax(x) }"),
    ),
    "an axis from the front or the back": (
        (17, "(float[1,8,6,6] x) => (y) { y = Softmax<axis=1>(x) }"),
        (17, "(float[1,8,6,6] x) => (y) { y = Softmax<axis=-3>(x) }"),
    ),
    "operands of a sum": (
        (17, "(float[1,8,6] x) => (y) <float[6] w = {1,2,3,4,5,6}> { y = Add(x, w) }"),
        (17, "(float[1,8,6] x) => (y) <float[6] w = {6,5,4,3,2,1}> { y = Add(w, x) }"),
    ),
    "a target as constant or with a blank": (
        (17, "(float[1,8,6,6] x) => (y) <int64[3] s = {1,8,36}> { y = Reshape(x, s) }"),
        (17, "(float[1,8,6,6] x) => (y) <int64[3] s = {0,8,-1}> { y = Reshape(x, s) }"),
    ),
    "the kernel of a convolution left to its weights": (
        (
            17,
            "(float[1,2,6,6,6] x, float[2,2,3,3,3] w) => (y) { y = Conv<kernel_shape=[3,3,3], strides=[1,1,1]>(x, w) }",
        ),
        (17, "(float[1,2,6,6,6] x, float[2,2,3,3,3] w) => (y) { y = Conv(x, w) }"),
    ),
    "a symbolic dimension of another name": (
        (17, "(float[N,8,6] x) => (y) { y = Erf(x) }"),
        (17, "(float[M,8,6] x) => (y) { y = Erf(x) }"),
    ),
    "the standard domain by its long name": (
        (17, "(float[1,8,6] x) => (y) { y = Erf(x) }"),
        (17, "(float[1,8,6] x) => (y) { y = ai.onnx.Erf(x) }"),
    ),
    "an empty operand for none": (
        (17, "(float[1,8,6,6] x) => (y) <int64[4] s = {1,8,9,9}> { y = Resize(x, , , s) }"),
        (17, "(float[1,8,6,6] x) => (y) <int64[4] s = {1,8,9,9}, float[0] e = {}> { y = Resize(x, e, e, s) }"),
    ),
    "an axis of the result": (
        (17, "(float[1,8,6] x) => (y) <int64[1] a = {3}> { y = Unsqueeze(x, a) }"),
        (17, "(float[1,8,6] x) => (y) <int64[1] a = {-1}> { y = Unsqueeze(x, a) }"),
    ),
    "bounds as attributes or inputs": (
        (10, "(float[1,8,6] x) => (y) { y = Clip<min=0.0, max=6.0>(x) }"),
        (17, "(float[1,8,6] x) => (y) <float low = {0.0}, float high = {6.0}> { y = Clip(x, low, high) }"),
    ),
}
OTHERS = {
    "axes": (
        (17, "(float[1,6,6,6] x) => (y) { y = ReduceMean<axes=[2,3], keepdims=0>(x) }"),
        (17, "(float[1,6,6,6] x) => (y) { y = ReduceMean<axes=[1,3], keepdims=0>(x) }"),
    ),
    "kernel": (
        (
            17,
            "(float[1,2,6,6] x) => (y) { y = AveragePool<kernel_shape=[2,2], count_include_pad=1, pads=[0,1,0,1]>(x) }",
        ),
        (
            17,
            "(float[1,2,6,6] x) => (y) { y = AveragePool<kernel_shape=[2,3], count_include_pad=1, pads=[0,1,0,1]>(x) }",
        ),
    ),
    "stride": (
        (17, "(float[1,2,1,1,6] x) => (y) { y = MaxPool<kernel_shape=[1,1,2], strides=[1,1,2]>(x) }"),
        (17, "(float[1,2,1,1,6] x) => (y) { y = MaxPool<kernel_shape=[1,1,2], strides=[1,1,1]>(x) }"),
    ),
    "stride without a trace in the shape": (
        (17, "(float[1,2,1,1,1] x) => (y) { y = MaxPool<kernel_shape=[1,1,1], strides=[1,1,2]>(x) }"),
        (17, "(float[1,2,1,1,1] x) => (y) { y = MaxPool<kernel_shape=[1,1,1], strides=[1,1,1]>(x) }"),
    ),
    "padding without a trace in the shape": (
        (17, "(float[1,2,6,6,6] x) => (y) { y = MaxPool<kernel_shape=[1,1,3], pads=[0,0,1,0,0,1]>(x) }"),
        (17, "(float[1,2,6,6,6] x) => (y) { y = MaxPool<kernel_shape=[1,1,3], pads=[0,0,2,0,0,0]>(x) }"),
    ),
    "another domain": (
        (17, "(float[1,8,6] x) => (y) { y = Erf(x) }"),
        (17, "(float[1,8,6] x) => (float[1,8,6] y) { y = com.x.Erf(x) }"),
    ),
    "shape": (
        (17, "(float[1,2,6,6] x) => (y) { y = Erf(x) }"),
        (17, "(float[1,2,6,7] x) => (y) { y = Erf(x) }"),
    ),
    "type": (
        (17, "(float[1,2,6,6] x) => (y) { y = Erf(x) }"),
        (17, "(float16[1,2,6,6] x) => (y) { y = Erf(x) }"),
    ),
    "operator of one rule": (
        (17, "(float[1,2,6,6] x) => (y) { y = Erf(x) }"),
        (17, "(float[1,2,6,6] x) => (y) { y = Tan(x) }"),
    ),
    "permutation": (
        (17, "(float[1,6,6,6] x) => (y) { y = Transpose<perm=[0,3,1,2]>(x) }"),
        (17, "(float[1,6,6,6] x) => (y) { y = Transpose<perm=[0,2,3,1]>(x) }"),
    ),
    "slice": (
        (
            17,
            "(float[1,8,6] x) => (y) <int64[1] s = {0}, int64[1] e = {4}, int64[1] a = {1}> { y = Slice(x, s, e, a) }",
        ),
        (
            17,
            "(float[1,8,6] x) => (y) <int64[1] s = {4}, int64[1] e = {8}, int64[1] a = {1}> { y = Slice(x, s, e, a) }",
        ),
    ),
    "constant or value": (
        (17, "(float[1,8,6] x) => (y) <float[6] w = {1,2,3,4,5,6}> { y = Add(x, w) }"),
        (17, "(float[1,8,6] x, float[6] w) => (y) { y = Add(x, w) }"),
    ),
}


def of_both(pair: tuple[tuple[int, str], tuple[int, str]], folder: Path) -> tuple[dict[str, list[str]], ...]:
    return tuple(by_rule(findings(model_from_text(text, opset), folder)) for opset, text in pair)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_one_structure_in_two_spellings(pair: tuple[tuple[int, str], tuple[int, str]], tmp_path: Path) -> None:
    one, other = of_both(pair, tmp_path)
    shared = {rule for rule in one.keys() & other.keys() if not rule.startswith("mistranslation")}
    assert shared, (one, other)
    for rule in shared:
        assert one[rule] == other[rule]


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_two_structures(pair: tuple[tuple[int, str], tuple[int, str]], tmp_path: Path) -> None:
    one, other = of_both(pair, tmp_path)
    assert one
    assert {name for group in one.values() for name in group}.isdisjoint(
        name for group in other.values() for name in group
    )


def test_one_more_of_the_same_is_one_new_fingerprint(tmp_path: Path) -> None:
    one = findings(model_from_text("(float[1,2,6,6] x) => (y) { y = Erf(x) }"), tmp_path)
    two = findings(model_from_text("(float[1,2,6,6] x) => (y) { a = Erf(x) y = Erf(a) }"), tmp_path)
    assert len(two) == len(one) + 1
    assert {finding.fingerprint for finding in one} < {finding.fingerprint for finding in two}

"""The DLA profiles: the operator matrix, the convolution buffer and the facts behind the limits."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest
from case_files import model_from_text, rules_named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import layers as any_layer
from strategies import signatures as any_signature

from safecheck.finding import Verdict
from safecheck.ir.model import load
from safecheck.ir.signature import UNKNOWN, FactValue, Layer, Scalar, Signature, Tensor, Value
from safecheck.ir.signatures import signatures
from safecheck.rulebook import facts
from safecheck.rulebook.facts import LAYER_FACTS, PLAIN_NODE_FACTS, dla
from safecheck.rulebook.judge import Judgement, judge
from safecheck.rulebook.load import profile
from safecheck.rulebook.lowering.lower import lower
from safecheck.rulebook.lowering.table import table_from_yaml
from safecheck.rulebook.profile import Profile
from safecheck.strict import resources

ORIN, ORIN_LATE, XAVIER = "drive-orin-dla-8.6", "drive-orin-dla-8.6@8.6.12", "drive-xavier-dla-8.5"
PROFILES = (ORIN, ORIN_LATE, XAVIER)

rulebook = cache(profile)


def test_every_dla_rule_has_a_case() -> None:
    cases = rules_named("dla-orin-8.6", "dla-orin-8.6.12", "dla-xavier-8.5")
    named = {rule for rule in cases if rule.startswith("dla-")}
    known = {rule.id for name in PROFILES for rule in rulebook(name).rules if rule.id.startswith("dla-")}
    assert sorted(known - named) == [], "give each of these rules a case"
    assert sorted(named - known) == [], "these rules do not exist"


# --- properties -----------------------------------------------------------------------------------------------------

bounded = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROFILES)
@bounded
@given(data=st.data())
def test_every_node_is_judged(name: str, data: st.DataObject) -> None:
    judgement = judge(rulebook(name), data.draw(any_signature(rulebook(name).table)))
    if judgement.verdict is Verdict.ALLOWED:
        assert not judgement.charges
    else:
        assert max(charge.verdict.severity for charge in judgement.charges) == judgement.verdict.severity
        assert all(charge.evidence for charge in judgement.charges)


@pytest.mark.slow
@bounded
@given(layer=any_layer(rulebook(ORIN).table, sorted({name for rule in rulebook(ORIN).rules for name in rule.layers})))
def test_every_fact_answers_about_every_layer(layer: Layer) -> None:
    for name in vars(dla):
        if name in LAYER_FACTS:
            assert facts.ask(name, None, layer) is not None
        elif name in PLAIN_NODE_FACTS:
            assert facts.ask(name, None, layer.node) is not None


# --- what is sure enough to forbid ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_what_is_not_confirmed_forbids_nothing(name: str) -> None:
    for rule in rulebook(name).rules:
        if rule.verdict is Verdict.FORBIDDEN:
            assert "confidence" not in rule.why, rule.id
            assert "dla-guide-8.6" not in {source.ref for source in rule.sources}, rule.id
        if rule.verdict is Verdict.ALLOWED:
            assert {source.ref for source in rule.sources} != {"dla-guide-8.6"}, rule.id


@pytest.mark.parametrize("name", PROFILES)
def test_rules_are_those_of_dla_and_of_the_parser(name: str) -> None:
    book = rulebook(name)
    gap = {"axes-repeat", "pad-reflects-beyond-data", "parameter-not-finite", "unknown-shape"}
    gap.add("operator-not-in-operator-set")
    assert {rule.id.split("-")[0] for rule in book.rules if rule.id not in gap} == {"dla", "mistranslation"}
    assert [rule.id for rule in book.rules if "*" in rule.layers and rule.verdict is Verdict.UNPROVEN] == [
        "dla-layer-not-listed"
    ]
    assert not any(rule.extrapolated for rule in book.rules)


# --- the operator matrix --------------------------------------------------------------------------------------------

NATIVE, REBUILT, REJECTED = "allowed", "unproven", "forbidden"
# Through TensorRT: in the matrix of 8.5, in that of 8.6, and the first release if the latter names one.
MATRIX_ROWS = {
    (NATIVE, NATIVE, ""): """Abs Add AveragePool BatchNormalization Clip Concat Constant Conv ConvTranspose Equal Gemm
        LRN LeakyRelu MatMul Max MaxPool Mul PRelu Relu Reshape Resize Sigmoid Slice Softmax Sub Sum Tanh Transpose
        Upsample""",
    ("", NATIVE, ""): "Split",
    (NATIVE, NATIVE, "8.6.12"): "Cos",
    (REJECTED, NATIVE, "8.6.12"): "Atanh Div GlobalMaxPool Greater Less Sin",
    (REJECTED, "", ""): "Pow ReduceMax",
    (REJECTED, REJECTED, ""): """Acos Acosh Asin Asinh Atan Celu Cosh Elu Erf Exp GlobalAveragePool GreaterOrEqual
        HardSigmoid HardSwish LessOrEqual Log LogSoftmax Min Mod Reciprocal ReduceMean ReduceMin Sign Sinh Softplus
        Softsign Sqrt Tan ThresholdedRelu""",
    ("", REJECTED, ""): """Ceil Expand Flatten Floor GlobalLpPool GroupNormalization InstanceNormalization
        LayerNormalization LpNormalization LpPool Mean MeanVarianceNormalization Mish Pad ReduceLogSum ReduceLogSumExp
        ReduceSumSquare Round Selu Shrink Squeeze Tile Unsqueeze""",
    (REBUILT, REBUILT, ""): "And DepthToSpace GRU Gather Neg Not Or ScatterElements SpaceToDepth Where Xor",
    ("", REBUILT, ""): """CumSum DequantizeLinear GatherElements GatherND Identity LSTM QuantizeLinear RNN ReduceSum
        Scatter""",
    ("build", "build", ""): "ConstantOfShape Shape",
}
MATRIX = {op: row for row, names in MATRIX_ROWS.items() for op in names.split()}
DISPUTED = {"Atan", "Cos", "Min"}  # the matrix contradicts the header or the guide; Atanh only from 8.6.12 on
WITHOUT_IMPORTER = {"Mish"}


def test_the_matrix_is_complete() -> None:
    assert len(MATRIX) == sum(len(names.split()) for names in MATRIX_ROWS.values()) == 114


def expected(op: str, name: str) -> str:
    """What the matrix says about an operator in a release: the verdict of a rule about it, empty for none."""
    in_85, in_86, since = MATRIX[op]
    if op in DISPUTED or (op == "Atanh" and name == ORIN_LATE):
        return REJECTED if op == "Atan" and name != ORIN_LATE else REBUILT
    if name == XAVIER:
        cell = in_85 or (REBUILT if in_86 != NATIVE else NATIVE)
    elif since and name != ORIN_LATE:
        cell = REJECTED
    else:
        cell = in_86 or REBUILT
    return {NATIVE: "", "build": REBUILT}.get(cell, cell)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("op", sorted(MATRIX))
def test_the_matrix_has_a_rule_for_every_operator(op: str, name: str) -> None:
    rules = [rule for rule in rulebook(name).rules if op in rule.operators and rule.id.startswith("dla-op-")]
    worst = max((rule.verdict for rule in rules), key=lambda verdict: verdict.severity, default="")
    assert str(worst) == expected(op, name)
    data = Tensor("FLOAT", (1, 8, 6, 6))
    judgement = judge(rulebook(name), Signature(op, "", 17, (), (data, data), (data,)))
    charged = {charge.rule.id for charge in judgement.charges}
    if rules:
        assert charged >= ({rule.id for rule in rules} - WITHOUT_RULES.get(op, set()))
        assert judgement.verdict is not Verdict.ALLOWED


# An operator that the parser does not import is judged by that alone.
WITHOUT_RULES = {"Mish": {"dla-op-unsupported-from-8-6", "dla-op-not-listed"}}
WITHOUT_RULES |= {op: {"dla-op-not-listed"} for op in ("GroupNormalization", "LayerNormalization")}


def test_shape_arithmetic_is_no_matter_of_operators() -> None:
    signature = Signature(
        "Unsqueeze", "", 17, (), (Tensor("INT64", ()),), (Tensor("INT64", (1,)),), static_shapes_only=True
    )
    judgement = judge(rulebook(ORIN), signature)
    assert {charge.rule.id for charge in judgement.charges} == {"dla-static-shape-arithmetic"}


# --- rules that need more than one node of a file ---------------------------------------------------------------------


def last_signature(text: str, folder: Path) -> Signature:
    """The last node of a graph."""
    file = folder / "graph.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    *_, last = signatures(load(str(file)).graph).nodes
    return last.signature


def rules_of(judgement: Judgement) -> set[str]:
    return {charge.rule.id for charge in judgement.charges}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("dla-op-build-time", "(float[N,8,6,6] x) => (y) { y = Shape(x) }"),
        ("dla-op-cumulative-sum", "(float[1,8,6,6] x) => (y) <int64 a = {1}> { y = CumSum(x, a) }"),
        (
            "dla-op-recurrent",
            "(float[5,1,3] x, float[1,12,3] w, float[1,12,3] r) => (y) { y = LSTM<hidden_size=3>(x, w, r) }",
        ),
        (
            "dla-slc3-constant",
            "(float[1,8,6,6] x, int64[1] e) => (y) <int64[1] s = {0}, int64[1] a = {1}> { y = Slice(x, s, e, a) }",
        ),
        ("dla-slc5-mode", "(float[1,8,6,6] x) => (y) <int64[8] p = {0,0,1,1,0,0,1,1}> { y = Pad(x, p) }"),
    ],
)  # fmt: skip
def test_rule_among_many(rule: str, text: str, tmp_path: Path) -> None:
    judgement = judge(rulebook(ORIN), last_signature(text, tmp_path))
    assert rule in rules_of(judgement)
    assert judgement.verdict is Verdict.FORBIDDEN


def with_layer(type_: str, kind: str, inputs: tuple[Tensor, ...]) -> Judgement:
    """Verdict on an operator nobody knows that becomes one layer."""
    text = (
        "{id: t, title: t, release: '8.6', opset: 17, source: t, types: {FLOAT: kFLOAT}, unsupported: [], patterns: {"
        + ", ".join(f"{name}: []" for name in rulebook(ORIN).table.patterns)
        + f"}}, operators: {{Thing: {{layers: [{{layer: {type_}, kind: {kind}}}]}}}}}}"
    )
    book = dataclasses.replace(rulebook(ORIN), table=table_from_yaml(text, "test.yaml"))
    return judge(book, Signature("Thing", "", 17, (), inputs, (Tensor("FLOAT", (1, 8, 6, 6)),)))


MAP = Tensor("FLOAT", (1, 8, 6, 6))


@pytest.mark.parametrize(
    ("type_", "kind", "rule"),
    [
        ("IActivationLayer", "kLEAKY_RELU", "dla-activation-other"),
        ("ISliceLayer", "kSTRICT_BOUNDS", "dla-slice-other"),
        ("IBrandNewLayer", "kNEW", "dla-layer-not-listed"),
    ],
)
def test_layer_of_an_unknown_operator(type_: str, kind: str, rule: str) -> None:
    judgement = with_layer(type_, kind, (MAP,))
    assert (judgement.verdict, rules_of(judgement)) == (Verdict.UNPROVEN, {rule})


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("dla-shf1-release", "(float[1,8,6,6] x) => (y) { y = Transpose<perm=[0,2,3,1]>(x) }"),
        ("dla-slc1-release", "(float[1,8,6,6] x) => (y, z) { y, z = Split<axis=1>(x) }"),
        ("dla-cmp4-equal", "(float[1,8,6,6] x, float[1,8,6,6] z) => (y) { y = Equal(x, z) }"),
    ],
)
def test_rules_of_8_4(rule: str, text: str, tmp_path: Path) -> None:
    shipped = (resources.rules() / "profiles" / f"{ORIN}.yaml").read_text(encoding="utf-8")
    file = tmp_path / "early.yaml"
    own = re.sub("^(id|title): .*", r"\1: early", shipped, flags=re.MULTILINE)
    file.write_text(own.replace('tensorrt: "8.6.11"', 'tensorrt: "8.4.1"'), encoding="utf-8")
    early: Profile = profile(str(file))
    signature = last_signature(text, tmp_path)
    judgement = judge(early, signature)
    assert rule in rules_of(judgement)
    assert judgement.verdict is Verdict.FORBIDDEN
    assert rule not in rules_of(judge(rulebook(ORIN), signature))


def test_a_computed_output_shape_of_a_deconvolution_is_not_allowed(tmp_path: Path) -> None:
    graph = "(float[1,2,6,6] x) => (y) <float[2,2,1,1] w = {1.0, 1.0, 1.0, 1.0}> "
    plain = last_signature(graph + "{ y = ConvTranspose(x, w) }", tmp_path)
    assert judge(rulebook(ORIN), plain).verdict is Verdict.ALLOWED
    shaped_output = last_signature(graph + "{ y = ConvTranspose<output_shape=[7,7]>(x, w) }", tmp_path)
    judgement = judge(rulebook(ORIN), shaped_output)
    assert judgement.verdict is Verdict.UNPROVEN
    assert "dla-deconvolution-other" in rules_of(judgement)


# --- the convolution buffer -----------------------------------------------------------------------------------------


def convolution(
    shape: tuple[int | str | None, ...] | None,
    kernel: tuple[int, ...],
    groups: int = 1,
    **attributes: Value,
) -> Layer:
    data = Tensor("FLOAT", shape)
    channels = shape[1] if shape is not None and len(shape) > 1 else None
    per_group = channels // groups if isinstance(channels, int) else None
    weights = Tensor("FLOAT", (8, per_group, *kernel), True)
    written = tuple(sorted({"group": groups, **attributes}.items()))
    signature = Signature("Conv", "", 17, written, (data, weights), (MAP,))
    return Layer("IConvolutionLayer", None, signature, (data,), (MAP,))


@pytest.mark.parametrize(
    ("shape", "kernel", "attributes", "int8", "fp16"),
    [
        # weights: ceil(roundUp(C*R*S*b, 128) / 32768), data: ceil(ceil(ceil(C*b/32)*W/4) * ((R-1)*D+1) / 256)
        ((1, 3, 224, 224), (7, 7), {}, 1 + 2, 1 + 2),  # ceil(224*1/4) = 56 entries, 56*7 = 392
        ((1, 64, 56, 56), (3, 3), {}, 1 + 1, 1 + 1),  # 2*56/4 = 28, 28*3 = 84; FP16 56*3 = 168
        ((1, 512, 7, 7), (3, 3), {}, 1 + 1, 1 + 1),  # 16*7/4 = 28, *3; FP16 32*7/4 = 56, *3
        ((1, 1024, 14, 14), (3, 3), {}, 1 + 2, 1 + 3),  # 32*14/4 = 112, 336; FP16 224, 672; weights 9216, 18432
        ((1, 2048, 7, 7), (3, 3), {}, 1 + 2, 2 + 3),  # weights 18432 and 36864
        ((1, 1, 1, 1), (1, 1), {}, 1 + 1, 1 + 1),
        ((1, 32, 1, 1024), (1, 1), {}, 1 + 1, 1 + 2),  # 256 and 512 entries
        ((1, 32, 1, 1025), (1, 1), {}, 1 + 2, 1 + 3),  # 257 and 513
        ((1, 33, 1, 512), (1, 1), {}, 1 + 1, 1 + 2),  # 2 and 3 atoms: 256 and 384 entries
        ((1, 8192, 1, 1), (1, 4), {}, 1 + 1, 2 + 1),  # weights exactly 32768 and 65536 bytes
        ((1, 8192, 1, 1), (2, 2), {}, 1 + 1, 2 + 1),
        ((1, 8192, 1, 1), (1, 5), {}, 2 + 1, 3 + 1),  # weights 40960 and 81920
        ((1, 32, 1, 64), (3, 3), {"dilations": (32, 1)}, 1 + 5, 1 + 9),  # 16*65 = 1040; 32*65 = 2080
        ((1, 32, 1, 64), (3, 3), {"dilations": (1, 32)}, 1 + 1, 1 + 1),  # columns do not count
        ((1, 1024, 1, 480), (1, 1), {}, 1 + 15, 1 + 30),
        ((1, 1024, 1, 481), (1, 1), {}, 1 + 16, 1 + 31),
        ((1, 1024, 1, 240), (1, 1), {}, 1 + 8, 1 + 15),
        ((1, 1024, 1, 240), (1, 1), {"groups": 1024}, 1 + 8, 1 + 15),  # the channels of the whole input
        ((9, 1024, 99, 240), (1, 1), {"strides": (2, 2), "pads": (0, 0, 0, 0)}, 1 + 8, 1 + 15),  # none of these counts
        ((None, 3, None, 224), (7, 7), {}, 1 + 2, 1 + 2),
        ((1, 3, 224, None), (7, 7), {}, UNKNOWN, UNKNOWN),
        ((1, 3, 224, "W"), (7, 7), {}, UNKNOWN, UNKNOWN),
        ((1, None, 224, 224), (7, 7), {}, UNKNOWN, UNKNOWN),
        ((1, 0, 224, 224), (7, 7), {}, UNKNOWN, UNKNOWN),
        ((1, 3, 224, 0), (7, 7), {}, UNKNOWN, UNKNOWN),
        ((1, 3, 224, 224), (7, 7), {"dilations": (0, 1)}, UNKNOWN, UNKNOWN),
        ((1, 3, 224, 224), (7, 7), {"dilations": "?"}, UNKNOWN, UNKNOWN),
        ((1, 3, 224, 224), (7, 7), {"kernel_shape": (3, 3)}, UNKNOWN, UNKNOWN),  # contradicts the weights
        ((1, 3, 224), (7,), {}, UNKNOWN, UNKNOWN),
        ((1, 3, 8, 8, 8), (7, 7, 7), {}, UNKNOWN, UNKNOWN),
        (None, (7, 7), {}, UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_banks_of_the_convolution_buffer(
    shape: tuple[int | str | None, ...] | None,
    kernel: tuple[int, ...],
    attributes: dict[str, Value],
    int8: FactValue,
    fp16: FactValue,
) -> None:
    groups = attributes.pop("groups", 1) if "groups" in attributes else 1
    assert isinstance(groups, int)
    layer = convolution(shape, kernel, groups, **attributes)
    assert dla.conv_buffer_banks_int8(layer) == int8
    assert dla.conv_buffer_banks_fp16(layer) == fp16


def test_only_a_convolution_has_a_convolution_buffer() -> None:
    layer = convolution((1, 3, 8, 8), (3, 3))._replace(type="IDeconvolutionLayer")
    assert dla.conv_buffer_banks_int8(layer) is UNKNOWN
    assert dla.conv_buffer_banks_fp16(layer._replace(node=layer.node._replace(inputs=()))) is UNKNOWN


@pytest.mark.parametrize("channels", [1, 31, 32, 33, 512, 8192])
@pytest.mark.parametrize("width", [1, 3, 4, 5, 255, 8192])
@pytest.mark.parametrize("rows", [1, 3, 32])
def test_int8_never_needs_more_banks_and_growth_never_fewer(channels: int, width: int, rows: int) -> None:
    def banks(fact: object, *sizes: int) -> int:
        shape = (1, sizes[0], 8, sizes[1])
        found = fact(convolution(shape, (sizes[2], 3)))  # type: ignore[operator]
        assert isinstance(found, int)
        return found

    for fact in (dla.conv_buffer_banks_int8, dla.conv_buffer_banks_fp16):
        least = banks(fact, channels, width, rows)
        assert least >= 2
        assert least <= banks(fact, channels + 1, width, rows)
        assert least <= banks(fact, channels, width + 1, rows)
        assert least <= banks(fact, channels, width, rows + 1)
    assert banks(dla.conv_buffer_banks_int8, channels, width, rows) <= banks(
        dla.conv_buffer_banks_fp16, channels, width, rows
    )


# --- the other facts ------------------------------------------------------------------------------------------------


def layer_of(type_: str, *tensors: Tensor, op: str = "Thing", **attributes: Value) -> Layer:
    """A layer with these inputs and the last of the tensors as its output."""
    signature = Signature(op, "", 17, tuple(sorted(attributes.items())), tensors[:-1], tensors[-1:])
    return Layer(type_, None, signature, tensors[:-1], tensors[-1:])


def shaped(*dims: int | str | None, constant: bool = False) -> Tensor:
    return Tensor("FLOAT", dims, constant)


@pytest.mark.parametrize(
    ("tensors", "batch", "chw"),
    [
        ((shaped(4, 8, 6, 5),), (4,), (8, 6, 5)),
        ((shaped(2, 3, 8, 6, 5),), (6,), (8, 6, 5)),
        ((shaped(8, 6, 5),), (1,), (8, 6, 5)),
        ((shaped(6,),), (1,), (6,)),
        ((shaped(),), (1,), (1,)),
        ((shaped(2, 8, 6, 5), shaped(4, 8, 6, 5)), (2, 4), (8, 6, 5, 8, 6, 5)),
        ((shaped(9, 8, 6, 5, constant=True), shaped(4, 8, 6, 5)), (4,), (8, 6, 5)),
        ((shaped(9, 8, 6, 5, constant=True),), (1,), (1,)),
        ((shaped("N", 8, 6, "W"),), (UNKNOWN,), (8, 6, UNKNOWN)),
        ((shaped(None, 8, 6, 5),), (UNKNOWN,), (8, 6, 5)),
        ((Tensor("FLOAT", None),), (UNKNOWN,), (UNKNOWN,)),
    ],
)  # fmt: skip
def test_batch_and_dimensions(tensors: tuple[Tensor, ...], batch: FactValue, chw: FactValue) -> None:
    layer = layer_of("IActivationLayer", *tensors)
    assert dla.batch_sizes(layer) == batch
    assert dla.chw_sizes(layer) == chw


@pytest.mark.parametrize(
    ("op", "attributes", "before", "after", "batch", "shape"),
    [
        ("Reshape", {}, (2, 8, 6, 6), (2, 8, 36, 1), True, False),
        ("Reshape", {}, (2, 8, 6, 6), (2, 8, 6, 6), True, True),
        ("Reshape", {}, (2, 8, 6, 6), (4, 4, 6, 6), False, False),
        ("Reshape", {}, (2, 8, 6, 6), (2, 288), True, False),
        ("Reshape", {}, ("N", 8, 6, 6), ("N", 8, 6, 6), UNKNOWN, UNKNOWN),
        ("Reshape", {}, (2, 8, 6, None), (2, 8, None, 6), True, UNKNOWN),
        ("Reshape", {}, (2, 8, 6, 6), (None, 8, 6, 5), UNKNOWN, False),
        ("Transpose", {"perm": (0, 2, 3, 1)}, (2, 8, 6, 6), (2, 6, 6, 8), True, False),
        ("Transpose", {"perm": (1, 0, 2, 3)}, (2, 2, 6, 6), (2, 2, 6, 6), False, True),
        ("Transpose", {}, (2, 6, 6, 2), (2, 6, 6, 2), False, True),
    ],
)  # fmt: skip
def test_what_a_shuffle_keeps(
    op: str,
    attributes: dict[str, Value],
    before: tuple[int | str | None, ...],
    after: tuple[int | str | None, ...],
    batch: FactValue,
    shape: FactValue,
) -> None:
    layer = layer_of("IShuffleLayer", shaped(*before), shaped(*after), op=op, **attributes)
    assert dla.keeps_batch(layer) is batch
    assert dla.keeps_shape(layer) is shape


def test_what_a_shuffle_is_told_is_no_data() -> None:
    layer = layer_of("IShuffleLayer", MAP, Tensor("INT64", (4,)), MAP, op="Reshape")
    assert dla.data_types(layer) == ("FLOAT", "FLOAT")
    assert dla.data_ranks(layer) == (4, 4)
    assert dla.data_types(layer._replace(type="IGatherLayer")) == ("FLOAT", "INT64", "FLOAT")
    assert dla.data_types(Layer("IShuffleLayer", None, layer.node, (), ())) is UNKNOWN


@pytest.mark.parametrize(
    ("opset", "attributes", "values", "lower_bound", "upper_bound"),
    [
        (17, {}, ((0.0,), (6.0,)), 0.0, 6.0),
        (17, {}, (None, (6.0,)), -3.4028234663852886e38, 6.0),
        (17, {}, ((1.0,), None), 1.0, 3.4028234663852886e38),
        (17, {}, ((), (1.0, 2.0)), UNKNOWN, UNKNOWN),
        (17, {}, ((True,), ("a",)), UNKNOWN, UNKNOWN),
        (10, {"min": 0.0, "max": 6.0}, (), 0.0, 6.0),
        (10, {"max": UNKNOWN}, (), -3.4028234663852886e38, UNKNOWN),
        (0, {}, ((0.0,), (6.0,)), UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_bounds_of_a_clip(
    opset: int,
    attributes: dict[str, Value],
    values: tuple[tuple[Scalar, ...] | None, ...],
    lower_bound: FactValue,
    upper_bound: FactValue,
) -> None:
    bounds = [None if value is None else Tensor("FLOAT", (), True, value) for value in values]
    signature = Signature("Clip", "", opset, tuple(sorted(attributes.items())), (MAP, *bounds), (MAP,))
    assert dla.clip_lower(signature) == lower_bound
    assert dla.clip_upper(signature) == upper_bound
    assert dla.clip_upper(signature._replace(op_type="Relu")) is UNKNOWN


@pytest.mark.parametrize(
    ("shape", "axis", "place", "length", "alone"),
    [
        ((1, 10, 1, 1), 1, -3, 10, True),
        ((4, 10, 1, 1), -3, -3, 10, True),
        ((1, 10, 2, 1), 1, -3, 10, False),
        ((1, 1, 1, 7), -1, -1, 7, True),
        ((4, 1, 1, 1), 0, -4, 4, True),
        ((1, 10), 1, -1, 10, True),
        ((4, 10), 1, -1, 10, False),
        ((1, 10, 2, None), 1, -3, 10, False),
        ((1, 10, 1, None), 1, -3, 10, UNKNOWN),
        ((1, None, 1, 1), 1, -3, UNKNOWN, True),
        ((1, 10, 1, 1), 4, UNKNOWN, UNKNOWN, UNKNOWN),
        ((1, 10, 1, 1), "1", UNKNOWN, UNKNOWN, UNKNOWN),
        (None, 1, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_softmax(
    shape: tuple[int | None, ...] | None, axis: Value, place: FactValue, length: FactValue, alone: FactValue
) -> None:
    tensor = Tensor("FLOAT", shape)
    layer = layer_of("ISoftMaxLayer", tensor, tensor, op="Softmax", axis=axis)
    assert dla.softmax_axis(layer) == place
    assert dla.softmax_length(layer) == length
    assert dla.softmax_alone(layer) is alone
    before = layer._replace(node=layer.node._replace(opset=12))
    assert (dla.softmax_axis(before), dla.softmax_length(before), dla.softmax_alone(before)) == (UNKNOWN,) * 3


def test_slices_and_scales() -> None:
    def ints(*values: int, known: bool = True, constant: bool = True) -> Tensor:
        return Tensor("INT64", (len(values),), constant, values if known else None)

    sliced = layer_of("ISliceLayer", MAP, ints(0), ints(4), ints(1), ints(2), MAP, op="Slice")._replace(inputs=(MAP,))
    assert (dla.slice_steps(sliced), dla.slice_bounds(sliced), dla.slice_mode(sliced)) == (
        (2,),
        "constant",
        "kSTRICT_BOUNDS",
    )
    assert dla.slice_mode(sliced._replace(kind="kFILL")) == "kFILL"
    assert dla.slice_mode(sliced._replace(type="IShuffleLayer")) is UNKNOWN
    run_time = sliced.node._replace(inputs=(MAP, ints(0), ints(4, known=False, constant=False)))
    assert dla.slice_bounds(sliced._replace(node=run_time)) == "computed"
    assert dla.slice_bounds(sliced._replace(inputs=(MAP, ints(0), ints(4)))) is UNKNOWN
    assert dla.slice_steps(sliced._replace(node=run_time)) == (1,)
    assert dla.slice_steps(sliced._replace(role="shape arithmetic")) is UNKNOWN

    scales = Tensor("FLOAT", (4,), True, (1.0, 1.0, 2.0, 3.0))
    resize = Signature("Resize", "", 17, (("nearest_mode", "floor"),), (MAP, None, scales), (MAP,))
    layer = Layer("IResizeLayer", None, resize, (MAP,), (MAP,))
    assert dla.resize_scales(layer) == (1.0, 1.0, 2.0, 3.0)
    assert dla.resize_spatial_scales(layer) == (2.0, 3.0)
    assert dla.nearest_mode(layer) == "floor"
    assert dla.nearest_mode(layer._replace(node=resize._replace(op_type="Upsample"))) == "floor"
    assert dla.nearest_mode(layer._replace(node=resize._replace(attributes=()))) == "round_prefer_floor"
    assert dla.resize_scales(layer._replace(node=resize._replace(inputs=(MAP,)))) is UNKNOWN
    old = Signature("Upsample", "", 7, (("scales", (1.0, 1.0, 2.0, 2.0)),), (MAP,), (MAP,))
    assert dla.resize_spatial_scales(layer._replace(node=old)) == (2.0, 2.0)
    assert dla.operand_count(layer) == 1


@pytest.mark.parametrize(
    ("axis", "rank", "expected_axis"),
    [(1, 4, -3), (-3, 4, -3), (0, 4, -4), (1, 5, -4), (4, 4, UNKNOWN), (-5, 4, UNKNOWN), ("1", 4, UNKNOWN)],
)  # fmt: skip
def test_axis_of_a_concatenation(axis: Value, rank: int, expected_axis: FactValue) -> None:
    tensor = shaped(*range(1, rank + 1))
    assert dla.concat_axis(layer_of("IConcatenationLayer", tensor, tensor, op="Concat", axis=axis)) == expected_axis


def test_lowered_layers_answer_every_dla_fact() -> None:
    for op in MATRIX:
        signature = Signature(op, "", 17, (), (MAP, MAP), (MAP,))
        for alternative in lower(rulebook(ORIN).table, signature).alternatives:
            for layer in alternative.layers:
                assert dla.batch_sizes(layer) is not UNKNOWN
                assert dla.chw_sizes(layer) is not UNKNOWN

"""The lowering tables: they load, extend each other, cover ONNX, and name only layers that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from safecheck.errors import RuleFileError
from safecheck.intake.onnx_library import library
from safecheck.rulebook.condition import ALWAYS
from safecheck.rulebook.facts import NODE_FACT_NAMES
from safecheck.rulebook.lowering.table import Table, table_from_yaml


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FOLDER = Path(__file__).parents[3] / "rules" / "lowering"
FILE = FOLDER / "onnx-tensorrt-8.6.yaml"
CHAIN = words("9.0 9.3 10.0 10.1 10.3 10.4 10.5 10.7 10.8 10.9 10.12 10.15 11.0")
RELEASES = ("8.4", "8.5", "8.6", *sorted(CHAIN, key=lambda release: [int(part) for part in release.split(".")]))

# Operators of ai.onnx whose importer is newer than 8.6, or that no parser has: they end in the plugin lookup.
NEWER = words(
    """Attention BitCast BlackmanWindow CastLike CausalConvWithState CumProd DeformConv Gelu HammingWindow
    HannWindow Hardmax LinearAttention Mish RMSNormalization RotaryEmbedding STFT SwiGLU Swish TensorScatter"""
)
# Removed from ONNX, or written by nothing but TensorRT's own tools; the parser still imports them.
OUTSIDE_ONNX = words(
    """ImageScaler ParametricSoftplus ScaledTanh TRT_AveragePool TRT_Conv TRT_Deconv TRT_FP8DequantizeLinear
    TRT_FP8QuantizeLinear TRT_FloorDiv TRT_FullyConnected TRT_Gather TRT_MatMul TRT_MaxAverageBlendPool TRT_MaxPool
    TRT_PluginV2 TRT_RNNv2 TRT_RaggedSoftmax TRT_Resize TRT_Scale TRT_Shuffle TRT_Slice TRT_TopK_Min"""
)
# Everything an INetworkDefinition of 8.6 can hold.
LAYERS = words(
    """IActivationLayer IAssertionLayer ICastLayer IConcatenationLayer IConditionLayer IConstantLayer IConvolutionLayer
    IDeconvolutionLayer IDequantizeLayer IEinsumLayer IElementWiseLayer IFillLayer IFullyConnectedLayer IGatherLayer
    IGridSampleLayer IIdentityLayer IIfConditionalInputLayer IIfConditionalOutputLayer IIteratorLayer ILRNLayer
    ILoopOutputLayer IMatrixMultiplyLayer INMSLayer INonZeroLayer INormalizationLayer IOneHotLayer IPaddingLayer
    IParametricReLULayer IPluginV2Layer IPoolingLayer IQuantizeLayer IRNNv2Layer IRaggedSoftMaxLayer IRecurrenceLayer
    IReduceLayer IResizeLayer IReverseSequenceLayer IScaleLayer IScatterLayer ISelectLayer IShapeLayer IShuffleLayer
    ISliceLayer ISoftMaxLayer ITopKLayer ITripLimitLayer IUnaryLayer"""
)
KINDS = {
    "IActivationLayer": words(
        """kCLIP kELU kHARD_SIGMOID kLEAKY_RELU kRELU kSCALED_TANH kSELU kSIGMOID kSOFTPLUS kSOFTSIGN kTANH
        kTHRESHOLDED_RELU"""
    ),
    "IElementWiseLayer": words(
        "kAND kDIV kEQUAL kFLOOR_DIV kGREATER kLESS kMAX kMIN kOR kPOW kPROD kSUB kSUM kXOR",
    ),
    "IFillLayer": words("kLINSPACE kRANDOM_NORMAL kRANDOM_UNIFORM"),
    "IGatherLayer": words("kELEMENT kND"),
    "IPluginV2Layer": words("InstanceNormalization_TRT ROIAlign_TRT"),
    "IPoolingLayer": words("kAVERAGE kMAX kMAX_AVERAGE_BLEND"),
    "IReduceLayer": words("kAVG kMAX kMIN kPROD kSUM"),
    "IScaleLayer": words("kCHANNEL"),
    "IScatterLayer": words("kELEMENT kND"),
    "ISliceLayer": words("kCLAMP kFILL kREFLECT kWRAP"),
    "ITopKLayer": words("kMAX kMIN"),
    "ITripLimitLayer": words("kCOUNT kWHILE"),
    "IUnaryLayer": words(
        """kABS kACOS kACOSH kASIN kASINH kATAN kATANH kCEIL kCOS kCOSH kERF kEXP kFLOOR kISINF kLOG kNEG kNOT kRECIP
        kROUND kSIGN kSIN kSINH kSQRT kTAN"""
    ),
}


@cache
def table() -> Table:
    loaded = table_from_yaml(FILE.read_text(encoding="utf-8"), FILE.name)
    loaded.check()
    return loaded


def ai_onnx() -> frozenset[str]:
    return frozenset(schema.name for schema in library().defs.get_all_schemas() if schema.domain == "")


def test_header() -> None:
    loaded = table()
    assert (loaded.id, loaded.release, loaded.opset) == (FILE.stem, "8.6", 17)
    assert loaded.source == "parser-8.6"
    assert loaded.types["INT64"] == "kINT32"
    assert loaded.types["DOUBLE"] == "kFLOAT"
    assert not {"BFLOAT16", "STRING", "UINT16", "FLOAT8E4M3FN"} & set(loaded.types)


def test_every_onnx_operator_is_accounted_for() -> None:
    loaded = table()
    known = loaded.operators.keys() | loaded.unsupported | NEWER
    assert ai_onnx() - known == set()
    assert loaded.operators.keys() - ai_onnx() == OUTSIDE_ONNX


def test_no_operator_is_listed_twice() -> None:
    loaded = table()
    assert sorted(loaded.operators.keys() & loaded.unsupported) == [], "take these out of `unsupported`"
    assert not (loaded.operators.keys() | loaded.unsupported) & NEWER


def test_operators_are_sorted() -> None:
    names = list(table().operators)
    assert names == sorted(names, key=lambda name: (name.lower(), name))


@pytest.mark.parametrize("name", sorted(table().operators))
def test_operator(name: str) -> None:
    loaded = table()
    operator = loaded.operator(name)
    assert operator is not None
    assert re.fullmatch(r"builtin_op_importers\.cpp:\d+", operator.at)
    assert set(operator.types) <= set(loaded.types)
    assert ("INT32" in operator.types) == ("INT64" in operator.types), "INT64 is narrowed to INT32"
    assert ("FLOAT" in operator.types) == ("DOUBLE" in operator.types), "DOUBLE is read as FLOAT"
    assert all(refusal.text.endswith(".") for refusal in operator.refuses)
    for variant in operator.variants:
        for step in variant.steps:
            assert step.layer is None or step.layer in LAYERS
            if step.kind is not None:
                assert step.kind in KINDS[str(step.layer)]


@pytest.mark.parametrize("name", sorted(table().operators))
def test_the_last_form_is_what_is_left(name: str) -> None:
    operator = table().operator(name)
    assert operator is not None
    assert operator.variants[-1].when == ALWAYS
    assert ALWAYS not in [variant.when for variant in operator.variants[:-1]]


def test_patterns_name_layers_that_exist() -> None:
    assert {layer for layers in table().patterns.values() for layer in layers} <= LAYERS


def test_conditions_ask_node_facts_only() -> None:
    asked = set(re.findall(r"fact: (\w+)", FILE.read_text(encoding="utf-8")))
    assert asked <= NODE_FACT_NAMES


def test_lines_are_short() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 140
    assert not any(line.rstrip() != line for line in lines)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("layer: IUnaryLayer, kind: kACOS}", "layer: IUnaryLayer, kinds: kACOS}"),
        ("layer: IUnaryLayer, kind: kACOS}", "layer: Unary, kind: kACOS}"),
        ("{fact: dtype, of: 0, one_of: [BOOL, UINT8]}", "{fact: dtypes, of: 0, one_of: [BOOL, UINT8]}"),
        ("in: [in0, in0]", "in: [in0, input0]"),
        ("opset: 17", "opset: seventeen"),
    ],
)
def test_a_slip_is_refused(right: str, wrong: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert right in text
    with pytest.raises(RuleFileError):
        table_from_yaml(text.replace(right, wrong, 1), FILE.name).check()


def read(name: str, _: object = None) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def release(number: str) -> Table:
    name = f"onnx-tensorrt-{number}"
    loaded = table_from_yaml(read(name), f"{name}.yaml", read)
    loaded.check()
    return loaded


# Layers, kinds and plugins that came after 8.6.
LATER_LAYERS = words(
    """IAttentionInputLayer IAttentionOutputLayer ICumulativeLayer IKVCacheUpdateLayer IPluginV3Layer
    IRotaryEmbeddingLayer ISqueezeLayer IUnsqueezeLayer"""
)
LATER_KINDS = {
    "IActivationLayer": words("kGELU_ERF kGELU_TANH"),
    "ICumulativeLayer": words("kSUM"),
    "IPluginV2Layer": words("EfficientNMS_ONNX_TRT ModulatedDeformConv2d ScatterElements"),
    "IPluginV3Layer": words("ROIAlign_TRT ScatterElements"),
    "IUnaryLayer": words("kISNAN"),
}


def test_every_file_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {f"onnx-tensorrt-{number}" for number in RELEASES}


@pytest.mark.parametrize("number", RELEASES)
def test_release(number: str) -> None:
    loaded = release(number)
    assert (loaded.id, loaded.release) == (f"onnx-tensorrt-{number}", number)
    assert loaded.local_functions == (float(number.split(".")[0]) >= 9)
    assert loaded.files[0] == loaded.id
    assert loaded.files[-1] == FILE.stem
    assert sorted(loaded.operators.keys() & loaded.unsupported) == [], "take these out of `unsupported`"
    assert list(loaded.operators) == sorted(loaded.operators, key=lambda name: (name.lower(), name))
    assert {layer for layers in loaded.patterns.values() for layer in layers} <= LAYERS | LATER_LAYERS
    for name in loaded.operators:
        operator = loaded.operator(name)
        assert operator is not None
        assert operator.at
        assert set(operator.types) <= set(loaded.types), name
        assert all(refusal.text.endswith(".") for refusal in operator.refuses), name
        assert operator.variants[-1].when == ALWAYS, name
        for step in (step for variant in operator.variants for step in variant.steps):
            assert step.layer is None or step.layer in LAYERS | LATER_LAYERS, name
            if step.kind is not None:
                known = KINDS.get(str(step.layer), frozenset()) | LATER_KINDS.get(str(step.layer), frozenset())
                assert step.kind in known, name


@pytest.mark.parametrize("number", RELEASES)
def test_lines_of_every_file_are_short(number: str) -> None:
    lines = read(f"onnx-tensorrt-{number}").splitlines()
    assert max(map(len, lines)) <= 140
    assert not any(line.rstrip() != line for line in lines)


def test_importers_come_and_go() -> None:
    def newer(number: str, than: str) -> set[str]:
        return release(number).operators.keys() - release(than).operators.keys()

    assert newer("8.6", "8.5") == {"GroupNormalization", "IsInf", "LayerNormalization"}
    assert newer("8.5", "8.4") == words(
        "GridSample MeanVarianceNormalization Mod NonZero OneHot RandomNormal RandomNormalLike RoiAlign Trilu"
    )
    assert newer("9.0", "8.6") == set()
    assert newer("10.0", "9.0") == {"CastLike", "Gelu", "Hardmax", "Mish"}
    assert newer("10.15", "10.0") == words(
        """Attention BlackmanWindow DeformConv HammingWindow HannWindow RMSNormalization RotaryEmbedding STFT
        TensorScatter"""
    )
    assert newer("11.0", "10.15") == {"Swish"}


def test_types_by_release() -> None:
    assert "UINT8" not in release("8.4").types
    assert release("8.6").types["INT64"] == "kINT32"
    assert release("9.0").types["INT64"] == "kINT64"
    assert release("9.0").types["BFLOAT16"] == "kBF16"
    assert "INT4" in release("10.0").types.keys() - release("9.3").types.keys()
    assert "FLOAT4E2M1" in release("10.8").types.keys() - release("10.7").types.keys()


def test_documented_types_by_release() -> None:
    def types(number: str) -> tuple[str, ...]:
        operator = release(number).operator("Softmax")
        assert operator is not None
        return operator.types

    assert "BFLOAT16" not in types("8.6")
    assert "BFLOAT16" in types("10.15")


PARENT = """id: parent
title: t
release: '1.0'
opset: 17
source: s
types: {FLOAT: kFLOAT}
patterns: {constants: [], broadcast: [], unsqueeze: [], squeeze: [], scalarize: [], cast: [], shape_arithmetic: []}
unsupported: [Mish, Unique]
operators:
  Abs: {types: [FLOAT], layers: [{layer: IUnaryLayer, kind: kABS}]}
  Relu: {layers: [{layer: IActivationLayer, kind: kRELU}]}
"""
CHILD = """id: child
title: t
release: '2.0'
extends: parent
source: s
patterns: {cast: [ICastLayer]}
remove: [Relu]
operator_types: [{types: [FLOAT16], operators: [Abs]}]
operators:
  Mish: {layers: [{layer: IActivationLayer}]}
"""


def child(text: str = CHILD, parent: str = PARENT) -> Table:
    return table_from_yaml(text, "rules/child.yaml", lambda name, entry: {"parent": parent, "child": text}[name])


def test_a_child_overrides_what_it_names() -> None:
    loaded = child()
    assert (loaded.id, loaded.release, loaded.opset, loaded.files) == ("child", "2.0", 17, ("child", "parent"))
    assert list(loaded.operators) == ["Abs", "Mish"]
    assert loaded.unsupported == {"Unique"}, "an operator with an importer is supported"
    assert loaded.patterns["cast"] == ("ICastLayer",)
    assert loaded.types == {"FLOAT": "kFLOAT"}
    operator = loaded.operator("Abs")
    assert operator is not None
    assert operator.types == ("FLOAT16",)


REFUSING = PARENT.replace(
    "Abs: {types: [FLOAT],",
    "Abs: {refuses: [{when: {fact: opset, equals: 1}, text: One.}, {when: {fact: opset, equals: 2}, text: Two.}],",
)
ADDED = "refusals: {added: [{operators: [Abs], when: {fact: opset, equals: 3}, text: Three.}]"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("", ["One. documented", "Two. documented"]),
        ("grade: measured", ["One. measured", "Two. measured"]),
        ("grade: measured\nrefusals: {unasked: [Abs]}", ["One. documented", "Two. documented"]),
        (f"grade: measured\n{ADDED}}}", ["One. measured", "Two. measured", "Three. measured"]),
        (f"{ADDED}}}", ["One. documented", "Two. documented", "Three. documented"]),
        ("refusals: {withdrawn: [{operators: [Abs], text: One.}]}", ["Two. documented"]),
    ],
)
def test_what_is_refused_and_how_that_is_known(changes: str, expected: list[str]) -> None:
    operator = child(CHILD.replace("remove:", f"{changes}\nremove:"), REFUSING).operator("Abs")
    assert operator is not None
    assert [f"{refusal.text} {refusal.grade}" for refusal in operator.refuses] == expected


def test_an_operator_that_is_given_anew_refuses_what_it_says() -> None:
    text = (
        CHILD.replace("remove:", "grade: measured\nremove:") + "  Abs: {layers: [{layer: IUnaryLayer, kind: kABS}]}\n"
    )
    operator = child(text, REFUSING).operator("Abs")
    assert operator is not None
    assert operator.refuses == ()


def test_only_what_is_refused_can_be_withdrawn() -> None:
    text = CHILD.replace("remove:", "refusals: {withdrawn: [{operators: [Abs], text: Four.}]}\nremove:")
    with pytest.raises(RuleFileError, match=r"'Four\.' is not what the importer refuses"):
        child(text, REFUSING).check()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("extends: parent", "extends: child", "child.yaml:4: extends: 'child' extends itself: child -> child"),
        ("extends: parent", "extends: ../parent", "child.yaml:4: extends: no lowering file '../parent'"),
        ("remove: [Relu]", "remove: [Rely]", "remove[0]: 'Rely' is not there to be removed"),
        ("remove: [Relu]", "remove: [Relu]\nlocal_functions: maybe", "local_functions: expected true or false"),
        ("operators: [Abs]", "operators: [Abz]", "operators[0]: 'Abz' is not known here (did you mean 'Abs'?)"),
        ("{cast: [ICastLayer]}", "{casts: [ICastLayer]}", "patterns.casts: unknown key 'casts'"),
        ("source: s\n", "", "key 'source' is missing"),
        ("opset: 17\n", "", "key 'opset' is missing"),
    ],
)
def test_a_broken_child_is_refused(old: str, new: str, expected: str) -> None:
    text, parent = (CHILD, PARENT.replace(old, new)) if old.startswith("opset") else (CHILD.replace(old, new), PARENT)
    with pytest.raises(RuleFileError) as caught:
        child(text, parent)
    assert expected in str(caught.value)


def test_a_circle_of_two_is_refused() -> None:
    with pytest.raises(RuleFileError, match="'child' extends itself: child -> parent -> child"):
        child(parent=CHILD.replace("id: child", "id: parent").replace("extends: parent", "extends: child"))


def test_nothing_is_extended_without_a_reader() -> None:
    with pytest.raises(RuleFileError, match="no lowering file 'parent'"):
        table_from_yaml(CHILD, "child.yaml")


def test_a_parent_has_its_own_id() -> None:
    with pytest.raises(RuleFileError, match="the file 'parent' calls itself 'other'"):
        child(parent=PARENT.replace("id: parent", "id: other"))

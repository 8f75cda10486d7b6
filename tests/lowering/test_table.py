"""The lowering table of TensorRT 8.6: it loads, it covers ONNX, it names only layers that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from safecheck.condition import ALWAYS
from safecheck.errors import RuleFileError
from safecheck.facts import NODE_FACT_NAMES
from safecheck.lowering.table import Table, table_from_yaml
from safecheck.onnx_library import library


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILE = Path(__file__).parents[2] / "rules" / "lowering" / "onnx-tensorrt-8.6.yaml"

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
    assert not loaded.operators.keys() & loaded.unsupported
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
    for form in operator.forms:
        for step in form.steps:
            assert step.layer is None or step.layer in LAYERS
            if step.kind is not None:
                assert step.kind in KINDS[str(step.layer)]


@pytest.mark.parametrize("name", sorted(table().operators))
def test_the_last_form_is_what_is_left(name: str) -> None:
    operator = table().operator(name)
    assert operator is not None
    assert operator.forms[-1].when == ALWAYS
    assert ALWAYS not in [form.when for form in operator.forms[:-1]]


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

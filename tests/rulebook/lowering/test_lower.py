"""Which layers the parser adds for a node: TensorRT 8.6 in full, the other releases where they differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from safecheck.ir.model import load
from safecheck.ir.signature import UNKNOWN, Signature, Tensor, Unknown, Value
from safecheck.ir.signatures import signatures
from safecheck.rulebook.cases import model_from_text
from safecheck.rulebook.lowering.lower import Choice, Lowered, lower
from safecheck.rulebook.lowering.table import Table, table_from_yaml

FILE = Path(__file__).parents[3] / "rules" / "lowering" / "onnx-tensorrt-8.6.yaml"

Dim = int | str | None


@cache
def table() -> Table:
    return table_from_yaml(FILE.read_text(encoding="utf-8"), FILE.name)


def t(*shape: Dim, dtype: str = "FLOAT") -> Tensor:
    """A computed tensor."""
    return Tensor(dtype, shape)


def c(*shape: int, dtype: str = "FLOAT", values: tuple[float, ...] | None = None) -> Tensor:
    """A constant."""
    return Tensor(dtype, shape, True, values)


def ints(*values: int) -> Tensor:
    """A constant vector of integers."""
    return Tensor("INT64", (len(values),), True, values)


UNRANKED = Tensor("FLOAT", None)


def node(
    op_type: str,
    *inputs: Tensor | None,
    outputs: tuple[Tensor | None, ...] | None = None,
    opset: int = 17,
    domain: str = "",
    **attributes: Value | Unknown,
) -> Signature:
    """The form of a node; its output is like its first input unless given."""
    if outputs is None:
        first = next((tensor for tensor in inputs if tensor is not None), Tensor("FLOAT", ()))
        outputs = (first._replace(constant=False, values=None),)
    return Signature(op_type, domain, opset, tuple(sorted(attributes.items())), inputs, outputs)


def labels(lowered: Lowered) -> list[str]:
    """One line per candidate."""
    return [" ".join(layer.label for layer in found.layers) for found in lowered.alternatives]


X = t(1, 8, 16, 16)
V = t(1, 8, 16)
M = t(4, 32)
W4 = c(16, 8, 3, 3)
PER_CHANNEL = (c(8), c(8), c(8), c(8))
DYNAMIC = t("batch", 8, 16, 16)
EWS = "IElementWiseLayer:kSUM"
SHAPE_ARITHMETIC = (
    "IShapeLayer IGatherLayer IElementWiseLayer IConcatenationLayer ISliceLayer IConstantLayer IShuffleLayer"
)
COMPUTED_SCALES = "IConstantLayer IIdentityLayer IElementWiseLayer:kPROD IUnaryLayer:kFLOOR IIdentityLayer IResizeLayer"
SLICE_CHAIN = (
    "IConstantLayer IConcatenationLayer IGatherLayer IElementWiseLayer:kMAX IElementWiseLayer:kMIN "
    "IElementWiseLayer:kPROD IElementWiseLayer:kSUB ISliceLayer"
)

CERTAIN: list[tuple[Signature, str]] = [
    # one layer per operator
    (node("Relu", X), "IActivationLayer:kRELU"),
    (node("Relu", X, domain="com.microsoft", opset=1), "IActivationLayer:kRELU"),
    (node("HardSigmoid", X, alpha=0.2), "IActivationLayer:kHARD_SIGMOID"),
    (node("HardSwish", X), "IActivationLayer:kHARD_SIGMOID IElementWiseLayer:kPROD"),
    (node("Erf", X), "IUnaryLayer:kERF"),
    (node("Sqrt", c(3)), "IConstantLayer IUnaryLayer:kSQRT"),
    (node("Neg", X), "IUnaryLayer:kNEG"),
    (node("Neg", t(3, dtype="INT64")), "IConstantLayer IShuffleLayer IElementWiseLayer:kSUB"),
    (node("Cast", X, to=10), "ICastLayer"),
    (node("Identity", c(3)), "IConstantLayer IIdentityLayer"),
    (node("Concat", X, X, axis=1), "IConcatenationLayer"),
    (node("Constant", value=UNKNOWN, outputs=(t(3),)), ""),
    (node("Shape", X, outputs=(t(4, dtype="INT64"),)), "IShapeLayer"),
    (node("Size", X, outputs=(t(dtype="INT64"),)), "IConstantLayer"),
    # element-wise
    (node("Add", X, X), EWS),
    (node("Add", X, c(1, 8, 1, 1)), "IConstantLayer IElementWiseLayer:kSUM"),
    (node("Mul", X, c()), "IConstantLayer IShuffleLayer IElementWiseLayer:kPROD"),
    (node("Sub", M, X), "IShuffleLayer IElementWiseLayer:kSUB"),
    (node("GreaterOrEqual", X, X), "IElementWiseLayer:kGREATER IElementWiseLayer:kEQUAL IElementWiseLayer:kOR"),
    (node("Max", X), "IIdentityLayer"),
    (node("Max", X, X, X), "IElementWiseLayer:kMAX"),
    (node("Mean", X, X), "IElementWiseLayer:kSUM IConstantLayer IElementWiseLayer:kPROD"),
    (
        node("Mod", t(4, dtype="INT64"), t(4, dtype="INT64")),
        "IElementWiseLayer:kFLOOR_DIV IElementWiseLayer:kPROD IElementWiseLayer:kSUB",
    ),
    (node("PRelu", X, c(8, 1, 1)), "IConstantLayer IShuffleLayer IParametricReLULayer"),
    (node("Where", t(1, 8, 16, 16, dtype="BOOL"), X, c()), "IConstantLayer IShuffleLayer ISelectLayer"),
    # clip: layer parameters, or tensors
    (node("Clip", X, c(), c()), "IActivationLayer:kCLIP"),
    (node("Clip", X, opset=6, max=6.0), "IActivationLayer:kCLIP"),
    (node("Clip", X, c()), "IActivationLayer:kCLIP"),
    (
        node("Clip", X, None, c()),
        "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer IElementWiseLayer:kMAX IElementWiseLayer:kMIN",
    ),
    (node("Clip", X, t(), t()), "IShuffleLayer IShuffleLayer IElementWiseLayer:kMAX IElementWiseLayer:kMIN"),
    (
        node("Clip", t(3, dtype="INT64"), c(dtype="INT64"), c(dtype="INT64")),
        "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer IElementWiseLayer:kMAX IElementWiseLayer:kMIN",
    ),
    # products
    (node("Gemm", M, c(32, 8), outputs=(t(4, 8),)), "IConstantLayer IMatrixMultiplyLayer"),
    (
        node("Gemm", M, c(32, 8), c(8), outputs=(t(4, 8),)),
        "IConstantLayer IConstantLayer IMatrixMultiplyLayer IShuffleLayer IElementWiseLayer:kSUM",
    ),
    (
        node("Gemm", M, c(32, 8), c(4, 8), outputs=(t(4, 8),), alpha=1.0, beta=1.0, transB=0),
        "IConstantLayer IConstantLayer IMatrixMultiplyLayer IElementWiseLayer:kSUM",
    ),
    (
        node("Gemm", M, c(32, 8), outputs=(t(4, 8),), alpha=0.5),
        "IConstantLayer IMatrixMultiplyLayer IConstantLayer IShuffleLayer IElementWiseLayer:kPROD",
    ),
    (node("MatMul", X, X), "IMatrixMultiplyLayer"),
    (node("MatMul", X, c(16, 4)), "IConstantLayer IShuffleLayer IMatrixMultiplyLayer"),
    (node("MatMul", M, c(32)), "IConstantLayer IShuffleLayer IMatrixMultiplyLayer IShuffleLayer"),
    (node("MatMul", t(32), c(32, 4)), "IConstantLayer IShuffleLayer IMatrixMultiplyLayer IShuffleLayer"),
    # convolution: weights in the layer, or as its inputs; one dimension is wrapped
    (node("Conv", X, W4), "IConvolutionLayer"),
    (node("Conv", X, W4, c(16)), "IConvolutionLayer"),
    (node("Conv", X, t(16, 8, 3, 3), c(16), kernel_shape=(3, 3)), "IConvolutionLayer"),
    (node("Conv", V, c(16, 8, 3)), "IShuffleLayer IShuffleLayer IConvolutionLayer"),
    (node("Conv", V, t(16, 8, 3), kernel_shape=(3,)), "IShuffleLayer IShuffleLayer IShuffleLayer IConvolutionLayer"),
    (node("TRT_Conv", X, W4, c(16), domain="trt", opset=1), "IConvolutionLayer"),
    (node("ConvTranspose", X, c(8, 16, 2, 2), strides=(2, 2)), "IDeconvolutionLayer"),
    (node("ConvTranspose", X, c(8, 16, 3, 3), pads=(0, 0, 1, 1), output_padding=(1, 1)), "IDeconvolutionLayer"),
    (
        node("ConvTranspose", X, c(8, 16, 3, 3), c(16), strides=(2, 2), output_padding=(1, 1)),
        "IDeconvolutionLayer IConstantLayer IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kFILL IConstantLayer "
        "IElementWiseLayer:kSUM",
    ),
    # pooling
    (node("MaxPool", X, kernel_shape=(2, 2)), "IPoolingLayer:kMAX"),
    (node("AveragePool", V, kernel_shape=(2,)), "IShuffleLayer IShuffleLayer IPoolingLayer:kAVERAGE"),
    (node("AveragePool", X, kernel_shape=(2, 2), dilations=(1, 1), opset=19), "IPoolingLayer:kAVERAGE"),
    (node("GlobalAveragePool", X), "IReduceLayer:kAVG"),
    (node("GlobalMaxPool", X), "IReduceLayer:kMAX"),
    (
        node("LpPool", X, kernel_shape=(2, 2)),
        "IConstantLayer IElementWiseLayer:kPROD IPoolingLayer:kAVERAGE IElementWiseLayer:kPROD IUnaryLayer:kSQRT",
    ),
    (
        node("LpPool", X, kernel_shape=(2, 2), p=1),
        "IConstantLayer IUnaryLayer:kABS IPoolingLayer:kAVERAGE IElementWiseLayer:kPROD",
    ),
    # normalization
    (node("BatchNormalization", X, *PER_CHANNEL), "IScaleLayer:kCHANNEL"),
    (node("BatchNormalization", V, *PER_CHANNEL), "IShuffleLayer IShuffleLayer IScaleLayer:kCHANNEL"),
    (node("BatchNormalization", t(4, 8), *PER_CHANNEL), "IShuffleLayer IScaleLayer:kCHANNEL IShuffleLayer"),
    (
        node("BatchNormalization", X, c(8), c(8), c(8), t(8)),
        "IConstantLayer IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer IShuffleLayer IShuffleLayer "
        "IConstantLayer IElementWiseLayer:kSUM IUnaryLayer:kSQRT IElementWiseLayer:kSUB IElementWiseLayer:kDIV "
        "IElementWiseLayer:kPROD IElementWiseLayer:kSUM",
    ),
    (node("InstanceNormalization", X, c(8), c(8)), "IPluginV2Layer:InstanceNormalization_TRT"),
    (
        node("LayerNormalization", X, c(16), c(16)),
        "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer INormalizationLayer",
    ),
    (
        node("LayerNormalization", X, c(16)),
        "IConstantLayer IShuffleLayer IConstantLayer IShuffleLayer INormalizationLayer",
    ),
    (
        node("GroupNormalization", X, c(2), c(2), opset=18, num_groups=2),
        "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer INormalizationLayer",
    ),
    # softmax
    (node("Softmax", X), "ISoftMaxLayer IShuffleLayer"),
    (node("Softmax", X, opset=11), "IShuffleLayer ISoftMaxLayer IShuffleLayer"),
    (node("Softmax", M, opset=11), "IShuffleLayer ISoftMaxLayer IShuffleLayer"),
    (node("LogSoftmax", X), "ISoftMaxLayer IUnaryLayer:kLOG IShuffleLayer"),
    (node("Softmax", DYNAMIC), f"{SHAPE_ARITHMETIC} ISoftMaxLayer IShuffleLayer"),
    # reshapes
    (node("Reshape", X, ints(1, -1)), "IShuffleLayer"),
    (node("Reshape", X, t(2, dtype="INT64")), "IShuffleLayer"),
    (node("Reshape", X, opset=1, shape=(1, -1)), "IShuffleLayer"),
    (node("Transpose", X, perm=(0, 2, 3, 1)), "IShuffleLayer"),
    (node("Flatten", X), "IShuffleLayer"),
    (node("Flatten", M), "IIdentityLayer"),
    (node("Flatten", M, axis=0), "IShuffleLayer"),
    (node("Squeeze", X, ints(0)), "IShuffleLayer"),
    (node("Unsqueeze", M, ints(0)), "IShuffleLayer"),
    (node("DepthToSpace", X, blocksize=2), "IShuffleLayer IShuffleLayer"),
    (node("Dropout", X), "IIdentityLayer"),
    (node("Dropout", c(3)), ""),
    (node("Dropout", X, outputs=(X, t(1, 8, 16, 16, dtype="BOOL"))), "IIdentityLayer IElementWiseLayer:kEQUAL"),
    (node("Dropout", X, opset=10, outputs=(X, X)), "IIdentityLayer IElementWiseLayer:kLESS"),
    # slices and padding
    (node("Slice", X, ints(0), ints(2), ints(1)), "ISliceLayer"),
    (node("Slice", X, opset=9, starts=(0,), ends=(2,)), "ISliceLayer"),
    (node("Slice", DYNAMIC, ints(0), ints(2), ints(1)), f"{SHAPE_ARITHMETIC} ISliceLayer"),
    (node("Slice", X, t(1, dtype="INT64"), ints(2), ints(1)), SLICE_CHAIN),
    (node("Split", X, ints(4, 4), outputs=(X, X)), "ISliceLayer"),
    (node("Tile", X, ints(1, 1, 2, 2)), "ISliceLayer:kWRAP"),
    (node("Expand", X, ints(2, 8, 16, 16)), "ISliceLayer"),
    (node("Expand", t(16), ints(4, 16), outputs=(t(4, 16),)), "IShuffleLayer ISliceLayer"),
    (node("Pad", X, ints(0, 0, 0, 0, 0, 0, 0, 0)), "IIdentityLayer"),
    (node("Pad", X, opset=2, pads=(0, 0, 0, 0, 0, 0, 0, 0)), "IIdentityLayer"),
    (node("Pad", X, ints(0, 0, 1, 1, 0, 0, 1, 1)), "IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kFILL"),
    (
        node("Pad", X, ints(0, 0, 1, 1, 0, 0, 1, 1), mode="reflect"),
        "IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kREFLECT",
    ),
    (
        node("Pad", X, ints(0, 0, 1, 1, 0, 0, 1, 1), c(values=(1.0,))),
        "IConstantLayer IElementWiseLayer:kSUM IConstantLayer ISliceLayer:kFILL",
    ),
    (
        node("Pad", X, t(8, dtype="INT64")),
        "IConstantLayer ISliceLayer IElementWiseLayer:kSUB IElementWiseLayer:kSUM ISliceLayer:kFILL",
    ),
    # gathering
    (node("Gather", X, c(dtype="INT64", values=(0,)), axis=1), "IConstantLayer IGatherLayer"),
    (node("GatherND", X, t(1, 1, dtype="INT64")), "IGatherLayer:kND"),
    (node("ScatterND", X, t(1, 1, dtype="INT64"), X), "IScatterLayer:kND"),
    # resize in its four target forms, and its ancestors
    (node("Resize", X, None, c(4, values=(1.0, 1.0, 2.0, 2.0))), "IResizeLayer"),
    (node("Resize", X, None, t(4)), COMPUTED_SCALES),
    (node("Resize", X, None, None, ints(1, 8, 32, 32)), "IConstantLayer IResizeLayer"),
    (node("Resize", X, None, None, t(4, dtype="INT64")), "IResizeLayer"),
    (node("Resize", X, c(4), opset=10), "IResizeLayer"),
    (node("Upsample", X, c(4), opset=9), "IResizeLayer"),
    (node("Upsample", X, opset=7, scales=(1.0, 1.0, 2.0, 2.0)), "IResizeLayer"),
    # reductions
    (node("ReduceMean", X, axes=(2, 3)), "IReduceLayer:kAVG"),
    (node("ReduceSum", X, ints(1)), "IReduceLayer:kSUM"),
    (node("ReduceL2", X, axes=(1,)), "IElementWiseLayer:kPROD IReduceLayer:kSUM IUnaryLayer:kSQRT"),
    (node("ArgMax", X, axis=1), "ITopKLayer:kMAX"),
    (node("ArgMax", X, axis=1, keepdims=0), "ITopKLayer:kMAX IShuffleLayer"),
    (node("ArgMin", t(4, dtype="INT64")), "IIdentityLayer ITopKLayer:kMIN"),
    (node("TopK", X, ints(3), outputs=(X, X)), "IConstantLayer IShuffleLayer ITopKLayer:kMAX"),
    (node("TopK", X, ints(3), outputs=(X, X), largest=0), "IConstantLayer IShuffleLayer ITopKLayer:kMIN"),
    (node("TopK", X, outputs=(X, X), opset=1, k=3), "ITopKLayer:kMAX"),
    # quantisation: the zero point becomes FP32 zeros
    (
        node("QuantizeLinear", X, c(values=(0.5,)), c(dtype="INT8", values=(0,))),
        "IConstantLayer IConstantLayer IQuantizeLayer",
    ),
    (
        node("DequantizeLinear", c(16, 8, 3, 3, dtype="INT8"), c(values=(0.5,)), c(dtype="INT8", values=(0,))),
        "IConstantLayer IConstantLayer IConstantLayer IDequantizeLayer",
    ),
    # generators, plugins, control flow
    (node("RandomNormal", outputs=(X,), shape=(1, 8, 16, 16)), "IFillLayer:kRANDOM_NORMAL"),
    (node("Range", c(dtype="INT64"), c(dtype="INT64"), c(dtype="INT64")), "IFillLayer:kLINSPACE"),
    (node("RoiAlign", X, t(5, 4), t(5, dtype="INT64")), "IPluginV2Layer:ROIAlign_TRT"),
    (node("If", c(dtype="BOOL", values=(True,)), outputs=(X,), then_branch=UNKNOWN, else_branch=UNKNOWN), ""),
    (
        node("If", t(1, dtype="BOOL"), outputs=(X,), then_branch=UNKNOWN, else_branch=UNKNOWN),
        "IShuffleLayer IConditionLayer IIfConditionalInputLayer IIfConditionalOutputLayer",
    ),
    (
        node("Scan", X, X, body=UNKNOWN, num_scan_inputs=1),
        "IConstantLayer ITripLimitLayer:kCOUNT IRecurrenceLayer IIteratorLayer ILoopOutputLayer",
    ),
]


@pytest.mark.parametrize(("signature", "expected"), CERTAIN, ids=lambda value: getattr(value, "op_type", ""))
def test_certain(signature: Signature, expected: str) -> None:
    lowered = lower(table(), signature)
    assert lowered.imported
    assert labels(lowered) == [expected]
    assert lowered.alternatives[0].choice is Choice.CERTAIN
    assert all(layer.certain for layer in lowered.alternatives[0].layers)


REFUSED: list[tuple[Signature, str, str | None]] = [
    (node("AveragePool", X, kernel_shape=(2, 2), dilations=(2, 2), opset=19), "parser:refused", "Dilations"),
    (node("MaxPool", X, kernel_shape=(2, 2), outputs=(X, X)), "parser:refused", "Indices"),
    (node("MaxPool", t(1, 8, 4, 4, 4, 4), kernel_shape=(2, 2, 2, 2)), "parser:refused", "windows"),
    (node("Conv", t(8, 16), c(8, 16)), "parser:refused", "windows"),
    (node("BatchNormalization", X, *PER_CHANNEL, training_mode=1), "parser:refused", "training_mode"),
    (node("InstanceNormalization", X, t(8), c(8)), "parser:refused", "initializers"),
    (node("LayerNormalization", X, c(16), outputs=(X, X)), "parser:refused", "Mean"),
    (node("Pad", X, ints(0, 1, 0, 1), None, ints(2, 3), opset=18), "parser:refused", "axes"),
    (node("Pad", X, ints(0, 0, -1, 0, 0, 0, 0, 0)), "parser:refused", "Negative"),
    (node("Pad", X, ints(0, 0, 1, 0, 0, 0, 0, 0), mode="wrap", opset=19), "parser:refused", "modes"),
    (node("Squeeze", X, t(1, dtype="INT64")), "parser:refused", "axes"),
    (node("Squeeze", DYNAMIC), "parser:refused", "static"),
    (node("Unsqueeze", X, t(1, dtype="INT64")), "parser:refused", "axes"),
    (node("Slice", X, ints(0), ints(1), t(1, dtype="INT64")), "parser:refused", "axes"),
    (node("ReduceSum", X, t(1, dtype="INT64")), "parser:refused", "axes"),
    (node("CumSum", X, t(dtype="INT64")), "parser:refused", "axis"),
    (node("Transpose", t(*[1] * 9)), "parser:refused", "dimensions"),
    (node("DepthToSpace", M, blocksize=2), "parser:refused", "rank"),
    (node("EyeLike", X), "parser:refused", "rank"),
    (node("EyeLike", t("n", 4)), "parser:refused", "static"),
    (node("Add", t(4, dtype="BOOL"), t(4, dtype="BOOL")), "parser:refused", "BOOL"),
    (node("And", X, X), "parser:refused", "BOOL"),
    (node("Pow", t(4, dtype="INT64"), t(4, dtype="INT64")), "parser:refused", "INT32"),
    (node("Relu", t(4, dtype="INT32")), "parser:refused", "INT32"),
    (node("Sign", t(4, dtype="INT32")), "parser:refused", "floating point"),
    (node("Mod", X, X), "parser:refused", "integer"),
    (node("Gemm", X, X), "parser:refused", "2-D"),
    (node("MatMul", t(4, 4, dtype="INT64"), t(4, 4, dtype="INT64")), "parser:refused", "Integer"),
    (node("LpNormalization", X, p=3), "parser:refused", "1 or 2"),
    (
        node("Resize", X, None, c(4), coordinate_transformation_mode="tf_crop_and_resize"),
        "parser:refused",
        "transformation",
    ),
    (
        node("Resize", X, None, c(4), coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor"),
        "parser:refused",
        "round_prefer_floor",
    ),
    (node("QuantizeLinear", X, c(values=(0.5,))), "parser:refused", "zero point"),
    (node("QuantizeLinear", X, c(values=(0.5,)), c(dtype="INT8", values=(3,))), "parser:refused", "zero point"),
    (node("QuantizeLinear", X, c(values=(0.5,)), t(dtype="UINT8")), "parser:refused", "UINT8"),
    (
        node("DequantizeLinear", t(4, dtype="INT8"), c(values=(-0.5,)), c(dtype="INT8", values=(0,))),
        "parser:refused",
        "positive",
    ),
    (node("Range", t(dtype="FLOAT16"), t(dtype="FLOAT16"), t(dtype="FLOAT16")), "parser:refused", "INT32"),
    (node("Cast", X, to=8), "parser:refused", "target"),
    (node("LSTM", V, c(1, 32, 16), c(1, 32, 8), hidden_size=8, input_forget=1), "parser:refused", "gates"),
    (node("Dropout", X, None, t(dtype="BOOL")), "parser:refused", "training_mode"),
    (node("Mul", X, c(8), opset=6, broadcast=1, axis=1), "parser:refused", "opset 7"),
    (node("Conv", X, t(16, 8, 3, 3)), "parser:refused", "kernel_shape"),
    (node("Conv", X, W4, None), "parser:refused", "kernel_shape"),
    (node("Gemm", M, M, None), "parser:refused", "input 2"),
    (node("Unsqueeze", X, c(0, dtype="INT64")), "parser:refused", "without elements"),
    (node("Relu", t(4, dtype="BFLOAT16")), "parser:tensor-type", None),
    (node("Cos", t(4, dtype="INT8")), "parser:operator-type", None),
    (node("Det", X), "parser:unsupported", None),
    (node("Gelu", X, opset=20), "parser:no-importer", None),
    (node("Det", X, domain="com.microsoft", opset=1), "parser:no-importer", None),
    (node("NoSuchOperator", X, domain="my.domain", opset=1), "parser:no-importer", None),
]


@pytest.mark.parametrize(("signature", "type_", "text"), REFUSED, ids=lambda value: getattr(value, "op_type", ""))
def test_refused(signature: Signature, type_: str, text: str | None) -> None:
    for alternative in lower(table(), signature).alternatives:
        found = [layer for layer in alternative.layers if layer.type == type_ and layer.certain]
        assert found
        assert text is None or any(text in (layer.kind or "") for layer in found)


OPEN: list[tuple[Signature, list[str]]] = [
    (node("Flatten", UNRANKED), ["IIdentityLayer", f"{SHAPE_ARITHMETIC} IShuffleLayer"]),
    (
        node("Softmax", t(4, 32), opset=0),
        ["ISoftMaxLayer IShuffleLayer", *["IShuffleLayer ISoftMaxLayer IShuffleLayer"] * 2],
    ),
    (
        node("Pad", X, c(8, dtype="INT64")),
        [
            "parser:refused:Negative padding is rejected. IIdentityLayer",
            "parser:refused:Negative padding is rejected. IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kFILL",
        ],
    ),
    (
        node("ConvTranspose", X, c(8, 16, 3, 3), output_shape=(34, 34)),
        [
            "IDeconvolutionLayer IConstantLayer IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kFILL",
            "IDeconvolutionLayer",
        ],
    ),
    (
        node("Slice", t(1, None), ints(0), ints(1)),
        ["ISliceLayer", f"{SHAPE_ARITHMETIC} ISliceLayer"],
    ),
]


@pytest.mark.parametrize(("signature", "expected"), OPEN, ids=lambda value: getattr(value, "op_type", ""))
def test_an_unknown_fact_keeps_the_candidates(signature: Signature, expected: list[str]) -> None:
    lowered = lower(table(), signature)
    assert labels(lowered) == expected
    assert lowered.alternatives[0].choice is Choice.UNKNOWN


def test_unknown_rank_leaves_refusal_and_wrap_open() -> None:
    (alternative,) = lower(table(), node("Conv", UNRANKED, W4)).alternatives
    assert [(layer.type, layer.certain) for layer in alternative.layers] == [
        ("parser:refused", False),
        ("IShuffleLayer", False),
        ("IShuffleLayer", False),
        ("IConvolutionLayer", True),
    ]


def operands(signature: Signature, label: str) -> list[tuple[tuple[Dim, ...] | None, ...]]:
    """Shapes of the inputs of every layer of this name."""
    (alternative,) = lower(table(), signature).alternatives
    return [tuple(tensor.shape for tensor in layer.inputs) for layer in alternative.layers if layer.label == label]


@pytest.mark.parametrize(
    ("signature", "label", "shapes"),
    [
        (node("Conv", X, W4, c(16)), "IConvolutionLayer", [(X.shape,)]),
        (node("Conv", X, t(16, 8, 3, 3), c(16)), "IConvolutionLayer", [(X.shape, (16, 8, 3, 3))]),
        (node("Conv", X, W4, t(16)), "IConvolutionLayer", [(X.shape, (16,))]),
        (node("Conv", X, t(16, 8, 3, 3), t(16)), "IConvolutionLayer", [(X.shape, (16, 8, 3, 3), (16,))]),
        (node("Conv", V, c(16, 8, 3)), "IConvolutionLayer", [((1, 8, 16, 1),)]),
        (node("Conv", V, t(16, 8, 3)), "IConvolutionLayer", [((1, 8, 16, 1), None)]),
        (node("BatchNormalization", V, *PER_CHANNEL), "IScaleLayer:kCHANNEL", [((1, 8, 16, 1),)]),
        (node("BatchNormalization", M, *PER_CHANNEL), "IScaleLayer:kCHANNEL", [(None,)]),
        (node("Add", X, c(16)), EWS, [(X.shape, (1, 1, 1, 16))]),
        (node("Gemm", M, c(32, 8), c(8), outputs=(t(4, 8),)), EWS, [((4, 8), (1, 8))]),
        (node("Reshape", X, ints(1, -1)), "IShuffleLayer", [(X.shape,)]),
        (node("Reshape", X, t(2, dtype="INT64")), "IShuffleLayer", [(X.shape, (2,))]),
        (node("Resize", X, None, None, ints(1, 8, 32, 32)), "IResizeLayer", [(X.shape, (None,))]),
        (node("Resize", X, None, None, t(4, dtype="INT64")), "IResizeLayer", [(X.shape, (4,))]),
        (node("Softmax", t(1, 8, 16), opset=11), "ISoftMaxLayer", [(None,)]),
        (node("Softmax", M, opset=11), "ISoftMaxLayer", [(M.shape,)]),
        (node("Celu", X), "IElementWiseLayer:kDIV", [(X.shape, (1, 1, 1, 1))]),
        (node("Pad", X, ints(0, 0, 1, 1, 0, 0, 1, 1)), "ISliceLayer:kFILL", [(X.shape, (None,), (None,))]),
        (node("Slice", X, ints(0), ints(2), ints(1)), "ISliceLayer", [(X.shape,)]),
    ],
    ids=lambda value: getattr(value, "op_type", ""),
)
def test_operands(signature: Signature, label: str, shapes: list[tuple[tuple[Dim, ...] | None, ...]]) -> None:
    assert operands(signature, label) == shapes


@pytest.mark.parametrize("name", sorted(table().operators))
def test_a_node_without_inputs_is_lowered_without_an_error(name: str) -> None:
    for opset in (0, 1, 6, 9, 10, 11, 12, 13, 18):
        assert lower(table(), Signature(name, "", opset, (), (), ())).alternatives


ANY_DATA = [X, V, M, t(), UNRANKED, Tensor(None, None), t("n", None), c(3, dtype="INT64", values=(1, 2, 3))]


@pytest.mark.parametrize("name", sorted(table().operators))
def test_no_form_of_input_is_an_error(name: str) -> None:
    for data in ANY_DATA:
        lowered = lower(table(), node(name, *[data] * 6))
        assert lowered.imported
        assert all(layer.label for found in lowered.alternatives for layer in found.layers)


@cache
def release(number: str) -> Table:
    def read(name: str, _: object = None) -> str:
        return (FILE.parent / f"{name}.yaml").read_text(encoding="utf-8")

    return table_from_yaml(read(f"onnx-tensorrt-{number}"), f"{number}.yaml", read)


def i64(*shape: Dim) -> Tensor:
    """A computed tensor of integers."""
    return Tensor("INT64", shape)


LOOPED = (
    "IConstantLayer IConcatenationLayer ISliceLayer ITripLimitLayer:kCOUNT IIteratorLayer IShuffleLayer "
    "IConstantLayer {0} IShuffleLayer IElementWiseLayer:kPROD IRecurrenceLayer IElementWiseLayer:kSUM ILoopOutputLayer"
)
CLAMPED = (
    "IConstantLayer IConstantLayer ICastLayer ICastLayer IConstantLayer {0}IElementWiseLayer:kMAX "
    "IElementWiseLayer:kMIN IElementWiseLayer:kPROD IElementWiseLayer:kSUB ISliceLayer"
)
AXIS = c(dtype="INT64", values=(1,))
PADS = ints(0, 0, 1, 1, 0, 0, 1, 1)
MISSING = "parser:no-importer"
PADDED = "IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kFILL"

# Each row: a node, and what becomes of it from which release on, up to the next one named.
BY_RELEASE: list[tuple[Signature, dict[str, str]]] = [
    (node("LayerNormalization", M, c(32), c(32)), {
        "8.4": MISSING, "8.6": "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer INormalizationLayer"}),
    (node("IsInf", X), {"8.4": MISSING, "8.6": "IUnaryLayer:kISINF"}),
    (node("IsInf", X, detect_negative=0), {
        "8.6": "IConstantLayer IElementWiseLayer:kGREATER IUnaryLayer:kISINF IElementWiseLayer:kAND",
        "10.15": "IConstantLayer ICastLayer IElementWiseLayer:kGREATER IUnaryLayer:kISINF IElementWiseLayer:kAND"}),
    (node("NonZero", X, outputs=(i64(4, None),)), {
        "8.4": MISSING, "8.5": "INonZeroLayer", "9.0": "ICastLayer INonZeroLayer", "10.15": "INonZeroLayer"}),
    (node("TopK", M, ints(3), outputs=(M, i64(4, 3))), {
        "8.4": "ITopKLayer:kMAX", "8.6": "IConstantLayer IShuffleLayer ITopKLayer:kMAX",
        "9.0": "IConstantLayer IShuffleLayer ICastLayer ITopKLayer:kMAX"}),
    (node("TopK", M, ints(3), outputs=(M, i64(4, 3)), largest=0), {
        "8.4": "ITopKLayer:kMAX", "8.5": "ITopKLayer:kMIN", "8.6": "IConstantLayer IShuffleLayer ITopKLayer:kMIN",
        "9.0": "IConstantLayer IShuffleLayer ICastLayer ITopKLayer:kMIN"}),
    (node("Cast", X, to=10), {"8.4": "IIdentityLayer", "8.6": "ICastLayer"}),
    (node("Cast", X, to=16), {
        "8.4": "parser:refused IIdentityLayer", "8.6": "parser:refused ICastLayer", "9.0": "ICastLayer"}),
    (node("Identity", X), {"8.4": "IIdentityLayer"}),
    (node("Sqrt", t()), {"8.4": "IShuffleLayer IShuffleLayer IUnaryLayer:kSQRT", "8.6": "IUnaryLayer:kSQRT"}),
    (node("Abs", i64(3)), {"8.4": "IIdentityLayer IUnaryLayer:kABS IIdentityLayer", "8.5": "IUnaryLayer:kABS"}),
    (node("Neg", i64(3)), {"8.4": "IConstantLayer IShuffleLayer IElementWiseLayer:kSUB", "9.0": "IUnaryLayer:kNEG"}),
    (node("IsNaN", X), {"8.4": "IElementWiseLayer:kEQUAL IUnaryLayer:kNOT", "10.1": "IUnaryLayer:kISNAN"}),
    (node("Transpose", M, perm=(0, 1)), {"8.4": "", "8.5": "IShuffleLayer"}),
    (node("InstanceNormalization", X, c(8), c(8)), {
        "8.4": "IPluginV2Layer:InstanceNormalization_TRT",
        "10.0": "IConstantLayer IConstantLayer IShuffleLayer IShuffleLayer INormalizationLayer",
        "10.7": "IConstantLayer IConstantLayer IConstantLayer IUnsqueezeLayer IConstantLayer IUnsqueezeLayer "
                "INormalizationLayer"}),
    (node("NonMaxSuppression", t(1, 6, 4), t(1, 1, 6), c(dtype="INT64"), outputs=(i64(None, 3),)), {
        "8.4": "IShuffleLayer IPluginV2Layer:EfficientNMS_ONNX_TRT", "8.5": "IConstantLayer IShuffleLayer INMSLayer",
        "9.0": "IConstantLayer IConstantLayer IElementWiseLayer:kMIN ICastLayer ICastLayer IShuffleLayer INMSLayer",
        "10.15": "IConstantLayer IConstantLayer IElementWiseLayer:kMIN ICastLayer IShuffleLayer INMSLayer"}),
    (node("Slice", M, ints(0), ints(2), ints(1)), {
        "8.4": "ISliceLayer", "9.0": CLAMPED.format("IConcatenationLayer IGatherLayer "), "10.3": CLAMPED.format("")}),
    (node("Slice", M, *(c(1, dtype="INT32") for _ in range(3))), {"8.4": "ISliceLayer"}),
    (node("Gather", X, i64(1)), {"8.4": "IGatherLayer", "9.0": "ICastLayer IGatherLayer"}),
    (node("Gather", i64(4), i64(1)), {"8.4": "IGatherLayer"}),
    (node("ScatterND", X, i64(1, 1), X), {
        "8.4": "IScatterLayer:kND", "9.0": "ICastLayer IScatterLayer:kND", "10.15": "IScatterLayer:kND"}),
    (node("ScatterElements", M, i64(4, 32), M, reduction="add"), {
        "8.4": "IScatterLayer:kELEMENT", "9.0": "ICastLayer IScatterLayer:kELEMENT",
        "10.0": "IPluginV2Layer:ScatterElements", "10.3": "IPluginV3Layer:ScatterElements"}),
    (node("Shape", X, outputs=(i64(4),)), {"8.4": "IShapeLayer", "9.0": "ICastLayer IShapeLayer"}),
    (node("Shape", X, start=1, outputs=(i64(3),)), {
        "8.4": "IShapeLayer", "9.0": "ICastLayer IShapeLayer", "10.0": "IShapeLayer ICastLayer ISliceLayer"}),
    (node("ArgMax", M, axis=1, outputs=(i64(4, 1),)), {
        "8.4": "ITopKLayer:kMAX", "9.0": "ICastLayer ICastLayer ITopKLayer:kMAX"}),
    (node("Gelu", X, opset=20), {"8.4": MISSING, "10.0": "IActivationLayer:kGELU_ERF"}),
    (node("Mish", X, opset=18), {
        "8.4": MISSING, "10.0": "IActivationLayer:kSOFTPLUS IActivationLayer:kTANH IElementWiseLayer:kPROD"}),
    (node("HardSwish", X), {"8.4": "IActivationLayer:kHARD_SIGMOID IElementWiseLayer:kPROD"}),
    (node("CumSum", M, AXIS), {
        "8.4": LOOPED.format("IIdentityLayer"), "9.0": LOOPED.format("ICastLayer"),
        "10.7": LOOPED.format("ICastLayer").replace("rLayer IShuffleLayer", "rLayer IConstantLayer ISqueezeLayer"),
        "10.8": "IConstantLayer ICumulativeLayer:kSUM"}),
    (node("Resize", X, None, None, ints(1, 8, 32, 32)), {"8.4": "IConstantLayer IResizeLayer", "9.0": "IResizeLayer"}),
    (node("Squeeze", X, ints(0)), {"8.4": "IShuffleLayer", "10.7": "IConstantLayer ISqueezeLayer"}),
    (node("Unsqueeze", M, ints(0)), {"8.4": "IShuffleLayer", "10.7": "IConstantLayer IUnsqueezeLayer"}),
    (node("Pad", X, PADS), {"8.4": PADDED, "10.4": "ISliceLayer:kFILL"}),
    (node("Pad", X, PADS, mode="wrap"), {
        "8.4": "parser:refused IConstantLayer IElementWiseLayer:kSUM",
        "10.0": "IConstantLayer IElementWiseLayer:kSUM ISliceLayer:kWRAP", "10.4": "ISliceLayer:kWRAP"}),
    (node("AveragePool", V, kernel_shape=(2,)), {
        "8.4": "IShuffleLayer IShuffleLayer IPoolingLayer:kAVERAGE",
        "10.7": "IConstantLayer IUnsqueezeLayer IConstantLayer ISqueezeLayer IPoolingLayer:kAVERAGE"}),
    (node("ReduceMean", X, noop_with_empty_axes=1), {"8.4": "IReduceLayer:kAVG", "10.0": "IIdentityLayer"}),
    (node("RoiAlign", X, t(5, 4), i64(5)), {
        "8.4": MISSING, "8.5": "IPluginV2Layer:ROIAlign_TRT", "9.0": "ICastLayer IPluginV2Layer:ROIAlign_TRT",
        "10.1": "ICastLayer IPluginV3Layer:ROIAlign_TRT"}),
    (node("Pow", X, i64(1, 8, 16, 16)), {
        "8.4": "parser:refused IElementWiseLayer:kPOW", "10.8": "ICastLayer IElementWiseLayer:kPOW",
        "10.12": "ICastLayer ICastLayer IElementWiseLayer:kPOW"}),
    (node("Einsum", M, M, M, equation="ij,ij,ij->i"), {"8.4": "IEinsumLayer"}),
    (node("Swish", X, opset=24), {
        "8.4": MISSING,
        "11.0": "IConstantLayer ICastLayer IShuffleLayer IElementWiseLayer:kPROD IActivationLayer:kSIGMOID "
                "IElementWiseLayer:kPROD"}),
]  # fmt: skip
RELEASES = (
    "8.4",
    "8.5",
    "8.6",
    "9.0",
    "9.3",
    "10.0",
    "10.1",
    "10.3",
    "10.4",
    "10.5",
    "10.7",
    "10.8",
    "10.9",
    "10.12",
    "10.15",
    "11.0",
)


@pytest.mark.parametrize(("signature", "expected"), BY_RELEASE, ids=lambda value: getattr(value, "op_type", ""))
def test_releases(signature: Signature, expected: dict[str, str]) -> None:
    current = None
    for number in RELEASES:
        current = expected.get(number, current)
        if current is not None:
            lowered = lower(release(number), signature)
            layers = [
                layer.type if layer.type.startswith("parser:") else layer.label
                for layer in lowered.alternatives[0].layers
            ]
            assert (len(lowered.alternatives), " ".join(layers)) == (1, current), number


def test_indices_are_seen_converted() -> None:
    """A layer behind a conversion sees the converted tensor, and so do its results."""
    lowered = lower(release("10.0"), node("Gather", X, i64(1)))
    cast, gather = lowered.alternatives[0].layers
    assert [tensor.dtype for tensor in (*cast.inputs, *cast.outputs)] == ["INT64", "INT32"]
    assert [tensor.dtype for tensor in gather.inputs] == ["FLOAT", "INT32"]
    lowered = lower(release("10.0"), node("TopK", M, ints(3), outputs=(M, i64(4, 3))))
    cast, top = lowered.alternatives[0].layers[-2:]
    assert [tensor.dtype for tensor in (*cast.inputs, *cast.outputs)] == ["INT32", "INT64"]
    assert [tensor.dtype for tensor in top.outputs] == ["FLOAT", "INT32"]


def test_a_squeeze_pattern_has_its_axes() -> None:
    lowered = lower(release("10.7"), node("AveragePool", V, kernel_shape=(2,)))
    constant, wide, *_, pool = lowered.alternatives[0].layers
    assert (constant.inputs, wide.inputs[1]) == ((), constant.outputs[0])
    assert wide.outputs[0].shape == pool.inputs[0].shape == (1, 8, 16, 1)


def test_indices_of_unknown_type_may_be_converted() -> None:
    lowered = lower(release("10.0"), node("Gather", X, Tensor(None, (1,))))
    cast = next(layer for layer in lowered.alternatives[0].layers if layer.type == "ICastLayer")
    assert not cast.certain


@pytest.mark.parametrize(
    ("imports", "first"),
    [
        ('"" : 17, "com.example" : 11', "ISoftMaxLayer"),
        ('"" : 11, "com.example" : 17', "IShuffleLayer"),
        ('"com.example" : 17', "ISoftMaxLayer"),
        ('"com.example" : 11', "IShuffleLayer"),
        ('"com.example" : 11, "com.other" : 11', ""),
    ],
)
def test_the_parser_asks_for_the_version_of_ai_onnx(imports: str, first: str, tmp_path: Path) -> None:
    """As measured with tensorrt-rtx 1.4.0.76: before opset 13 the data is made a matrix first."""
    text = (
        f"<ir_version: 8, opset_import: [{imports}]> g (float[2,3,4] x) => (y) {{ y = com.example.Softmax<axis=1>(x) }}"
    )
    file = tmp_path / "model.onnx"
    file.write_bytes(model_from_text(text).SerializeToString())
    (occurrence,) = signatures(load(str(file)).graph).nodes
    known = lower(release("10.15"), occurrence.signature).alternatives[0].layers
    layers = [layer.type for layer in known if not layer.type.startswith("parser:")]
    assert occurrence.signature.opset == 0 if not first else layers[0] == first

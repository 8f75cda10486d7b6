"""Every kind of layer against an outside reason: the vendor's example, ONNX's reference, or the formula written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from safecheck.nvidia.translation.execute import Missing, execute
from safecheck.nvidia.translation.meanings import MEANINGS
from safecheck.nvidia.translation.network import TYPES, Layer, Network, NotRaised, Tensor

RNG = np.random.default_rng(7)
NAMES = {dtype: name for name, dtype in TYPES.items()}


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def by_onnx(operator: str, *inputs: np.ndarray | None, opset: int = 20, outputs: int = 1, **attributes: Any) -> Any:
    """What ONNX's reference makes of a node."""
    names = ["" if value is None else f"i{number}" for number, value in enumerate(inputs)]
    node = helper.make_node(operator, names, [f"o{number}" for number in range(outputs)], **attributes)
    values = {name: np.asarray(value) for name, value in zip(names, inputs, strict=True) if value is not None}
    typed = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in values.items()
    ]
    graph = helper.make_graph([node], "g", typed, [onnx.ValueInfoProto(name=name) for name in node.output])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    found = ReferenceEvaluator(made).run(None, values)
    return found[0] if outputs == 1 else found


class Case(NamedTuple):
    """A layer, its operands, and what comes out."""

    kind: str
    parameters: dict[str, Any]
    operands: tuple[np.ndarray | None, ...]
    expected: Any
    dtypes: tuple[str, ...] = ("FLOAT",)
    """Of the outputs, by the vendor's names."""


def run(case: Case) -> Any:
    inputs = [
        None if value is None else Tensor(f"i{number}", NAMES[value.dtype], value.shape)
        for number, value in enumerate(case.operands)
    ]
    outputs = tuple(Tensor(f"o{number}", dtype, None) for number, dtype in enumerate(case.dtypes))
    layer = Layer(case.kind, "layer", "", tuple(inputs), outputs, case.parameters)
    given = tuple(part for part in inputs if part is not None)
    network = Network(given, outputs, (layer,))
    values = execute(network, {f"i{n}": value for n, value in enumerate(case.operands) if value is not None})
    return [values[tensor.name] for tensor in outputs]


X4 = floats(2, 4, 7, 6)
X5 = floats(1, 2, 5, 6, 4)
WINDOW = {
    "dilation_nd": [1, 1],
    "num_groups": 1,
    "padding_mode": "EXPLICIT_ROUND_DOWN",
    "post_padding": [0, 0],
    "pre_padding": [0, 0],
    "stride_nd": [1, 1],
    "bias": np.zeros(0, np.float32),
}


def conv(kernel: np.ndarray, **changes: Any) -> dict[str, Any]:
    return WINDOW | {"kernel": kernel.ravel(), "kernel_size_nd": list(kernel.shape[2:])} | changes


def pool(kind: str, window: list[int], **changes: Any) -> dict[str, Any]:
    return WINDOW | {"type": kind, "window_size_nd": window, "average_count_excludes_padding": True} | changes


K = floats(6, 4, 3, 2)
KD = floats(4, 3, 3, 2)
BIAS = floats(6)
HALVES = (slice(0, 2), slice(2, 4))
WINDOWS = [
    Case("CONVOLUTION", conv(K), (X4,), by_onnx("Conv", X4, K)),
    Case(
        "CONVOLUTION",
        conv(K, bias=BIAS, stride_nd=[2, 3], pre_padding=[1, 0], post_padding=[2, 1]),
        (X4,),
        by_onnx("Conv", X4, K, BIAS, strides=[2, 3], pads=[1, 0, 2, 1]),
    ),
    Case(
        "CONVOLUTION",
        conv(K[:, :2], num_groups=2, dilation_nd=[2, 1]),
        (X4,),
        by_onnx("Conv", X4, K[:, :2], group=2, dilations=[2, 1]),
    ),
    Case("CONVOLUTION", conv(K[:4, :1], num_groups=4), (X4,), by_onnx("Conv", X4, K[:4, :1], group=4)),
    Case(
        "CONVOLUTION",
        conv(K, padding_mode="SAME_UPPER", stride_nd=[2, 2]),
        (X4,),
        by_onnx("Conv", X4, K, auto_pad="SAME_UPPER", strides=[2, 2]),
    ),
    Case("CONVOLUTION", conv(K, padding_mode="SAME_LOWER"), (X4,), by_onnx("Conv", X4, K, auto_pad="SAME_LOWER")),
    Case("CONVOLUTION", conv(K) | {"kernel": np.zeros(0, np.float32)}, (X4, K, BIAS), by_onnx("Conv", X4, K, BIAS)),
    Case("DECONVOLUTION", conv(KD), (X4,), by_onnx("ConvTranspose", X4, KD)),
    Case(
        "DECONVOLUTION",
        conv(KD, stride_nd=[2, 3], pre_padding=[1, 0], post_padding=[0, 1], bias=BIAS[:3]),
        (X4,),
        by_onnx("ConvTranspose", X4, KD, BIAS[:3], strides=[2, 3], pads=[1, 0, 0, 1]),
    ),
    Case(
        "DECONVOLUTION",
        conv(KD[:, :2], num_groups=2, dilation_nd=[1, 2]),
        (X4,),
        np.concatenate([by_onnx("ConvTranspose", X4[:, part], KD[part, :2], dilations=[1, 2]) for part in HALVES], 1),
    ),
    Case(
        "POOLING",
        pool("MAX", [3, 2], stride_nd=[2, 2]),
        (X4,),
        by_onnx("MaxPool", X4, kernel_shape=[3, 2], strides=[2, 2]),
    ),
    Case(
        "POOLING",
        pool("MAX", [2, 2, 3], stride_nd=[2, 2, 1], pre_padding=[1] * 3, post_padding=[0] * 3),
        (X5,),
        by_onnx("MaxPool", X5, kernel_shape=[2, 2, 3], strides=[2, 2, 1], pads=[1, 1, 1, 0, 0, 0]),
    ),
    Case(
        "POOLING",
        pool("AVERAGE", [3, 3], pre_padding=[1, 1], post_padding=[1, 1]),
        (X4,),
        by_onnx("AveragePool", X4, kernel_shape=[3, 3], pads=[1] * 4),
    ),
    Case(
        "POOLING",
        pool("AVERAGE", [3, 3], pre_padding=[1, 1], post_padding=[1, 1], average_count_excludes_padding=False),
        (X4,),
        by_onnx("AveragePool", X4, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
    ),
    Case(
        "POOLING",
        pool("AVERAGE", [2, 2], stride_nd=[2, 2], padding_mode="EXPLICIT_ROUND_UP"),
        (X4,),
        by_onnx("AveragePool", X4, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ),
]


def activation(kind: str, expected: Any, alpha: float = 0.0, beta: float = 0.0) -> Case:
    return Case("ACTIVATION", {"type": kind, "alpha": alpha, "beta": beta}, (X4,), expected)


POINTWISE = [
    activation("RELU", by_onnx("Relu", X4)),
    activation("SIGMOID", by_onnx("Sigmoid", X4)),
    activation("TANH", by_onnx("Tanh", X4)),
    activation("LEAKY_RELU", by_onnx("LeakyRelu", X4, alpha=0.3), 0.3),
    activation("ELU", by_onnx("Elu", X4, alpha=0.7), 0.7),
    activation("SELU", by_onnx("Selu", X4, alpha=1.7, gamma=1.1), 1.7, 1.1),
    activation("SOFTSIGN", by_onnx("Softsign", X4)),
    activation("SOFTPLUS", 2 * np.log(np.exp(0.5 * X4) + 1), 2.0, 0.5),
    activation("CLIP", by_onnx("Clip", X4, np.float32(-0.5), np.float32(0.7)), -0.5, 0.7),
    activation("CLIP", np.full_like(X4, 2), 2.0, -1.0),
    activation("HARD_SIGMOID", by_onnx("HardSigmoid", X4, alpha=0.3, beta=0.4), 0.3, 0.4),
    activation("SCALED_TANH", 1.5 * np.tanh(0.5 * X4), 1.5, 0.5),
    activation("THRESHOLDED_RELU", by_onnx("ThresholdedRelu", X4, alpha=0.4), 0.4),
    activation("GELU_ERF", by_onnx("Gelu", X4)),
    activation("GELU_TANH", by_onnx("Gelu", X4, approximate="tanh")),
    *(
        Case("UNARY", {"op": kind}, (np.abs(X4) % 0.9 + shift,), by_onnx(operator, np.abs(X4) % 0.9 + shift))
        for kind, operator, shift in [
            ("EXP", "Exp", 0),
            ("LOG", "Log", 0.1),
            ("SQRT", "Sqrt", 0),
            ("RECIP", "Reciprocal", 0.1),
            ("ABS", "Abs", -0.5),
            ("NEG", "Neg", 0),
            ("SIN", "Sin", 0),
            ("COS", "Cos", 0),
            ("TAN", "Tan", 0),
            ("SINH", "Sinh", 0),
            ("COSH", "Cosh", 0),
            ("ASIN", "Asin", 0),
            ("ACOS", "Acos", 0),
            ("ATAN", "Atan", 0),
            ("ASINH", "Asinh", 0),
            ("ACOSH", "Acosh", 1),
            ("ATANH", "Atanh", 0),
            ("CEIL", "Ceil", 0.2),
            ("FLOOR", "Floor", 0.2),
            ("ERF", "Erf", -0.5),
            ("SIGN", "Sign", -0.5),
            ("ROUND", "Round", 0.2),
        ]
    ),
    Case("UNARY", {"op": "NOT"}, (X4 > 0,), X4 <= 0, ("BOOL",)),
    Case(
        "UNARY",
        {"op": "ISINF"},
        (np.array([1, np.inf, -np.inf, np.nan], np.float32),),
        np.array([0, 1, 1, 0], bool),
        ("BOOL",),
    ),
    Case(
        "UNARY",
        {"op": "ISNAN"},
        (np.array([1, np.inf, -np.inf, np.nan], np.float32),),
        np.array([0, 0, 0, 1], bool),
        ("BOOL",),
    ),
    *(
        Case("ELEMENTWISE", {"op": kind}, (a, b), expected, (dtype,))
        for kind, a, b, expected, dtype in [
            ("SUM", X4, X4[:1], X4 + X4[:1], "FLOAT"),
            ("PROD", X4, X4[:1], X4 * X4[:1], "FLOAT"),
            ("MAX", X4, -X4, np.abs(X4), "FLOAT"),
            ("MIN", X4, -X4, -np.abs(X4), "FLOAT"),
            ("SUB", X4, X4[:1], X4 - X4[:1], "FLOAT"),
            ("DIV", X4, 2 + X4**2, X4 / (2 + X4**2), "FLOAT"),
            ("POW", np.abs(X4), X4, np.abs(X4) ** X4, "FLOAT"),
            ("DIV", ints(7, -7, 7), ints(2, 2, -2), ints(3, -3, -3), "INT64"),
            ("FLOOR_DIV", ints(7, -7, 7), ints(2, 2, -2), ints(3, -4, -4), "INT64"),
            ("AND", X4 > 0, X4 > 1, X4 > 1, "BOOL"),
            ("OR", X4 > 0, X4 > 1, X4 > 0, "BOOL"),
            ("XOR", X4 > 0, X4 > 1, (X4 > 0) & (X4 <= 1), "BOOL"),
            ("EQUAL", X4, X4, X4 == X4, "BOOL"),
            ("GREATER", X4, 0 * X4, X4 > 0, "BOOL"),
            ("LESS", X4, 0 * X4, X4 < 0, "BOOL"),
        ]
    ),
    Case("SELECT", {}, (X4 > 0, X4, -X4), np.abs(X4)),
    Case("PARAMETRIC_RELU", {}, (X4, np.full((1, 4, 1, 1), 0.3, np.float32)), by_onnx("LeakyRelu", X4, alpha=0.3)),
    Case(
        "SCALE",
        {"mode": "CHANNEL", "channel_axis": 1, "scale": BIAS[:4], "shift": BIAS[1:5], "power": np.zeros(0, np.float32)},
        (X4,),
        X4 * BIAS[:4, None, None] + BIAS[1:5, None, None],
    ),
    Case(
        "SCALE",
        {
            "mode": "UNIFORM",
            "channel_axis": 1,
            "scale": np.zeros(0, np.float32),
            "shift": np.float32([3]),
            "power": np.float32([2]),
        },
        (X4,),
        (X4 + 3) ** 2,
    ),
    Case("IDENTITY", {}, (X4,), X4),
    Case("CAST", {"to_type": "INT32"}, (X4 * 3,), np.trunc(X4 * 3).astype(np.int32), ("INT32",)),
    Case("ATTENTION_OUTPUT", {}, (X4,), X4),
    Case("ASSERTION", {"message": ""}, (np.array([True]),), None, ()),
]

DENSE = [
    Case("MATRIX_MULTIPLY", {"op0": "NONE", "op1": "TRANSPOSE"}, (X4, X4), by_onnx("MatMul", X4, X4.swapaxes(2, 3))),
    Case(
        "MATRIX_MULTIPLY",
        {"op0": "TRANSPOSE", "op1": "NONE"},
        (X4, X4[:1]),
        by_onnx("MatMul", X4.swapaxes(2, 3), X4[:1]),
    ),
    Case("MATRIX_MULTIPLY", {"op0": "NONE", "op1": "VECTOR"}, (X4[0, 0], X4[0, 0, 0]), X4[0, 0] @ X4[0, 0, 0]),
    Case("MATRIX_MULTIPLY", {"op0": "VECTOR", "op1": "NONE"}, (X4[0, 0, :, 0], X4[0, 0]), X4[0, 0, :, 0] @ X4[0, 0]),
    Case("MATRIX_MULTIPLY", {"op0": "VECTOR", "op1": "VECTOR"}, (BIAS, BIAS), np.sum(BIAS * BIAS)),
    Case("EINSUM", {"equation": "bhid,bhjd->bhij"}, (X4, X4), by_onnx("Einsum", X4, X4, equation="bhid,bhjd->bhij")),
    Case(
        "ATTENTION_INPUT",
        {"attention": {"owner": 0, "causal": False, "norm_op": "SOFTMAX"}},
        (X4, X4, X4),
        by_onnx("MatMul", by_onnx("Softmax", by_onnx("MatMul", X4, X4.swapaxes(2, 3)), axis=-1), X4),
    ),
    Case(
        "ATTENTION_INPUT",
        {"attention": {"owner": 0, "causal": True, "norm_op": "SOFTMAX"}},
        (X4, X4, X4),
        by_onnx("Attention", X4, X4, X4, opset=23, is_causal=1, scale=1.0),
    ),
    Case(
        "ATTENTION_INPUT",
        {"attention": {"owner": 0, "causal": False, "norm_op": "SOFTMAX"}},
        (X4, X4[:, :2], X4[:, :2]),
        by_onnx("Attention", X4, X4[:, :2], X4[:, :2], opset=23, scale=1.0),
    ),
]

NORMALIZATIONS = [
    *(
        Case(
            "REDUCE",
            {"op": op, "axes": 0b1100, "keep_dims": keep},
            (X4,),
            by_onnx(operator, X4, ints(2, 3), keepdims=int(keep)),
        )
        for (op, operator), keep in itertools.product(
            [
                ("SUM", "ReduceSum"),
                ("AVG", "ReduceMean"),
                ("MAX", "ReduceMax"),
                ("MIN", "ReduceMin"),
                ("PROD", "ReduceProd"),
            ],
            [True, False],
        )
    ),
    Case("SOFTMAX", {"axes": 0b10}, (X4,), by_onnx("Softmax", X4, axis=1)),
    Case(
        "TOPK",
        {"op": "MAX", "k": 2, "axes": 0b100, "indices_type": "INT64"},
        (X4,),
        by_onnx("TopK", X4, ints(2), axis=2, outputs=2),
        ("FLOAT", "INT64"),
    ),
    Case(
        "TOPK",
        {"op": "MIN", "k": 0, "axes": 0b1000, "indices_type": "INT64"},
        (X4, np.int64(3)),
        by_onnx("TopK", X4, ints(3), axis=3, largest=0, outputs=2),
        ("FLOAT", "INT64"),
    ),
    *(
        Case(
            "CUMULATIVE",
            {"op": "SUM", "exclusive": bool(exclusive), "reverse": bool(reverse)},
            (X4, np.int64(2)),
            by_onnx("CumSum", X4, np.int64(2), exclusive=exclusive, reverse=reverse),
        )
        for exclusive, reverse in itertools.product((0, 1), (0, 1))
    ),
    Case(
        "NORMALIZATION",
        {"axes": 0b1100, "epsilon": 1e-3, "num_groups": 1, "is_v2": False},
        (X4, BIAS[None, :4, None, None], BIAS[None, 1:5, None, None]),
        by_onnx("InstanceNormalization", X4, BIAS[:4], BIAS[1:5], epsilon=1e-3),
    ),
    Case(
        "NORMALIZATION",
        {"axes": 0b1110, "epsilon": 1e-5, "num_groups": 1, "is_v2": True},
        (X4, X4[:1], X4[1:]),
        by_onnx("LayerNormalization", X4, X4[0], X4[1], axis=1),
    ),
    Case(
        "NORMALIZATION",
        {"axes": 0b1100, "epsilon": 1e-5, "num_groups": 2, "is_v2": True},
        (X4, BIAS[None, :4, None, None], BIAS[None, 1:5, None, None]),
        by_onnx("GroupNormalization", X4, BIAS[:4], BIAS[1:5], num_groups=2, opset=21),
    ),
    Case(
        "NORMALIZATION",
        {"axes": 0b1100, "epsilon": 1e-5, "num_groups": 2, "is_v2": False},
        (X4, BIAS[None, :2, None, None], BIAS[None, 1:3, None, None]),
        by_onnx("GroupNormalization", X4, BIAS[[0, 0, 1, 1]], BIAS[[1, 1, 2, 2]], num_groups=2, opset=21),
    ),
    Case(
        "LRN",
        {"window_size": 3, "alpha": 0.5, "beta": 0.7, "k": 2.0},
        (X4,),
        np.stack([X4[:, c] / (2 + 0.5 / 3 * (X4[:, max(c - 1, 0) : c + 2] ** 2).sum(1)) ** 0.7 for c in range(4)], 1),
    ),
]


def shuffle(first: list[int], shape: list[int] | None, second: list[int], zero: bool = True) -> dict[str, Any]:
    whole = [[*order, *range(len(order), 8)] for order in (first, second)]
    return {
        "first_transpose": whole[0],
        "reshape_dims": shape,
        "second_transpose": whole[1],
        "zero_is_placeholder": zero,
    }


def cut(start: Any, size: Any, stride: Any, mode: str = "STRICT_BOUNDS", axes: Any = None) -> dict[str, Any]:
    return {"start": start, "shape": size, "stride": stride, "mode": mode, "axes": axes}


MATRIX = np.array([[0, 2, 4], [1, 3, 5]], np.float32)
ROW = np.arange(4, dtype=np.float32)
SCATTERED = np.array([[1, 0, 2], [0, 2, 1]], np.int64)
MOVEMENT = [
    Case("CONSTANT", {"weights": BIAS, "shape": [2, 3]}, (), BIAS.reshape(2, 3)),
    Case(
        "SHUFFLE",
        shuffle([0, 2, 1, 3], [0, -1, 6], [2, 0, 1]),
        (X4,),
        X4.transpose(0, 2, 1, 3).reshape(2, 28, 6).transpose(2, 0, 1),
    ),
    Case("SHUFFLE", shuffle([0, 1, 2, 3], None, [0, 1, 2, 3]), (X4, ints(8, 42)), X4.reshape(8, 42)),
    Case("SHUFFLE", shuffle([0, 1], [0, 3], [0, 1], zero=False), (np.zeros((0, 3), np.float32),), np.zeros((0, 3))),
    # the two examples of the vendor's documentation
    Case("SLICE", cut([1, 0], [1, 2], [1, 2]), (MATRIX,), [[1, 5]]),
    Case("SLICE", cut([1], [2], [1], axes=[1]), (MATRIX,), [[2, 4], [3, 5]]),
    Case("SLICE", cut([1], [2], [1]), (MATRIX, None, None, None, None, ints(1)), [[2, 4], [3, 5]]),
    Case("SLICE", cut(None, None, [1, 1]), (MATRIX, ints(0, 2), ints(2, 1)), [[4], [5]]),
    Case("SLICE", cut([0], [3], [0], "STRICT_BOUNDS"), (ROW,), [0, 0, 0]),
    Case("SLICE", cut([3], [4], [-1]), (ROW,), [3, 2, 1, 0]),
    Case("SLICE", cut([-2], [8], [1], "FILL"), (ROW, None, None, None, np.float32(7)), [7, 7, 0, 1, 2, 3, 7, 7]),
    Case("SLICE", cut([-2], [8], [1], "FILL"), (ROW,), [0, 0, 0, 1, 2, 3, 0, 0]),
    Case("SLICE", cut([-2], [8], [1], "CLAMP"), (ROW,), by_onnx("Pad", ROW, ints(2, 2), mode="edge")),
    Case("SLICE", cut([-2], [8], [1], "REFLECT"), (ROW,), by_onnx("Pad", ROW, ints(2, 2), mode="reflect")),
    Case("SLICE", cut([-2], [8], [1], "WRAP"), (ROW,), by_onnx("Pad", ROW, ints(2, 2), mode="wrap")),
    Case("CONCATENATION", {"axis": 1}, (X4, X4[:, :1]), by_onnx("Concat", X4, X4[:, :1], axis=1)),
    Case(
        "PADDING",
        {"pre_padding_nd": [1, -1], "post_padding_nd": [0, 2]},
        (MATRIX,),
        [[0] * 4, [2, 4, 0, 0], [3, 5, 0, 0]],
    ),
    Case("SHAPE", {}, (X4,), [2, 4, 7, 6], ("INT64",)),
    Case("SQUEEZE", {}, (X4[:1, :, :1], ints(0, 2)), X4[0, :, 0]),
    Case("UNSQUEEZE", {}, (X4, ints(0, -1)), X4[None, ..., None]),
    Case(
        "FILL",
        {"operation": "LINSPACE", "shape": [2, 3], "alpha": 1.0, "beta": 0.0},
        (None, np.float32(1), np.float32([10, 0.5])),
        [[1, 1.5, 2], [11, 11.5, 12]],
    ),
    Case(
        "FILL", {"operation": "LINSPACE", "shape": None, "alpha": 1.0, "beta": 2.0}, (ints(3),), [1, 3, 5], ("INT32",)
    ),
    Case("GATHER", {"mode": "DEFAULT", "axis": 1, "num_elementwise_dims": 0}, (X4, ints(2, -1)), X4[:, [2, 3]]),
    Case("GATHER", {"mode": "DEFAULT", "axis": 0, "num_elementwise_dims": 0}, (ROW, np.int64(9)), 0),
    Case(
        "GATHER", {"mode": "DEFAULT", "axis": 1, "num_elementwise_dims": 1}, (MATRIX, np.array([[2], [0]])), [[4], [1]]
    ),
    Case(
        "GATHER",
        {"mode": "ELEMENT", "axis": 1, "num_elementwise_dims": 0},
        (MATRIX, SCATTERED),
        by_onnx("GatherElements", MATRIX, SCATTERED, axis=1),
    ),
    Case(
        "GATHER",
        {"mode": "ND", "axis": 0, "num_elementwise_dims": 1},
        (X4, np.array([[[1]], [[2]]])),
        by_onnx("GatherND", X4, np.array([[[1]], [[2]]]), batch_dims=1),
    ),
    Case(
        "SCATTER",
        {"mode": "ELEMENT", "axis": 1},
        (0 * MATRIX, SCATTERED, MATRIX),
        by_onnx("ScatterElements", 0 * MATRIX, SCATTERED, MATRIX, axis=1),
    ),
    Case(
        "SCATTER",
        {"mode": "ND", "axis": 0},
        (X4[0], np.array([[2], [0]]), -X4[1, :2]),
        by_onnx("ScatterND", X4[0], np.array([[2], [0]]), -X4[1, :2]),
    ),
    Case("ONE_HOT", {"axis": -1}, (ints(2, 0), np.float32([0.5, 2]), np.int64(3)), [[0.5, 0.5, 2], [2, 0.5, 0.5]]),
    Case("ONE_HOT", {"axis": 0}, (ints(2, 0), np.float32([0.5, 2]), np.int64(3)), [[0.5, 2], [0.5, 0.5], [2, 0.5]]),
    Case("NON_ZERO", {"indices_type": "INT64"}, (MATRIX,), by_onnx("NonZero", MATRIX), ("INT64",)),
    Case(
        "REVERSE_SEQUENCE",
        {"batch_axis": 1, "sequence_axis": 0},
        (X4, ints(2, 1, 2, 0)),
        by_onnx("ReverseSequence", X4, ints(2, 1, 2, 0)),
    ),
]

SCALES = np.float32([0.1, 0.2, 0.05, 0.4])
BYTES = np.arange(-16, 16, dtype=np.int8).reshape(2, 4, 4)
SAMPLED = floats(2, 4, 5, 3)


def resized(mode: str, coordinates: str, rounding: str = "FLOOR", **changes: Any) -> dict[str, Any]:
    return {
        "resize_mode": mode, "coordinate_transformation": coordinates, "nearest_rounding": rounding, "scales": [],
        "shape": [2, 4, 10, 4], "selector_for_single_pixel": "FORMULA", "exclude_outside": False, "cubic_coeff": -0.75,
    } | changes  # fmt: skip


def by_resize(
    mode: str, coordinates: str, rounding: str = "floor", size: tuple[int, int] = (10, 4), **attributes: Any
) -> Any:
    return by_onnx(
        "Resize",
        X4,
        None,
        None,
        ints(2, 4, *size),
        mode=mode,
        coordinate_transformation_mode=coordinates,
        nearest_mode=rounding,
        **attributes,
    )


SAMPLING = [
    *(
        Case("RESIZE", resized(mode.upper(), kind.upper()), (X4,), by_resize(mode, kind))
        for mode, kind in itertools.product(("linear", "cubic"), ("half_pixel", "align_corners", "asymmetric"))
    ),
    *(
        Case("RESIZE", resized("NEAREST", "HALF_PIXEL", ours), (X4,), by_resize("nearest", "half_pixel", theirs))
        for ours, theirs in [
            ("HALF_DOWN", "round_prefer_floor"),
            ("HALF_UP", "round_prefer_ceil"),
            ("FLOOR", "floor"),
            ("CEIL", "ceil"),
        ]
    ),
    Case(
        "RESIZE",
        resized("CUBIC", "HALF_PIXEL", exclude_outside=True, cubic_coeff=-0.5),
        (X4,),
        by_resize("cubic", "half_pixel", exclude_outside=1, cubic_coeff_a=-0.5),
    ),
    Case(
        "RESIZE",
        resized("LINEAR", "HALF_PIXEL", shape=[2, 4, 1, 1], selector_for_single_pixel="UPPER"),
        (X4,),
        X4[:, :, :1, :1],
    ),
    Case(
        "RESIZE",
        resized("LINEAR", "HALF_PIXEL", shape=None, scales=[1, 1, 2, 0.5]),
        (X4,),
        by_resize("linear", "half_pixel", size=(14, 3)),
    ),
    *(
        Case(
            "GRID_SAMPLE",
            {"interpolation_mode": ours, "sample_mode": fill, "align_corners": corners},
            (X4, grid),
            by_onnx("GridSample", X4, grid, mode=theirs, padding_mode=padding, align_corners=int(corners)),
        )
        for (ours, theirs), (fill, padding), corners in itertools.product(
            [("LINEAR", "linear"), ("NEAREST", "nearest"), ("CUBIC", "cubic")],
            [("FILL", "zeros"), ("CLAMP", "border"), ("REFLECT", "reflection")],
            [False, True],
        )
        # a cubic neighbour beyond the border is clamped; a place beyond it, by ONNX's reference alone
        for grid in [
            RNG.uniform(-1.4, 1.4, (2, 3, 5, 2)).astype(np.float32) * (0.7 if (ours, fill) == ("CUBIC", "CLAMP") else 1)
        ]
    ),
]
QUANTIZATION = [
    Case(
        "QUANTIZE",
        {"axis": 1, "to_type": "INT8"},
        (X4 * 9, SCALES, np.zeros(4, np.int8)),
        by_onnx("QuantizeLinear", X4 * 9, SCALES, np.zeros(4, np.int8), axis=1),
        ("INT8",),
    ),
    Case(
        "QUANTIZE",
        {"axis": -1, "to_type": "INT8"},
        (X4, np.float32(0.5)),
        by_onnx("QuantizeLinear", X4, np.float32(0.5), np.int8(0)),
        ("INT8",),
    ),
    Case(
        "DEQUANTIZE",
        {"axis": 1, "to_type": "FLOAT"},
        (BYTES, SCALES),
        by_onnx("DequantizeLinear", BYTES, SCALES, axis=1),
    ),
    Case(
        "DEQUANTIZE",
        {"axis": 0, "to_type": "FLOAT"},
        (BYTES[0], SCALES.reshape(2, 2).repeat(2, 1)),
        BYTES[0] * SCALES.reshape(2, 2).repeat(2, 1).repeat(2, 0),
    ),
]
CASES = [*WINDOWS, *POINTWISE, *DENSE, *NORMALIZATIONS, *MOVEMENT, *SAMPLING, *QUANTIZATION]


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=lambda case: f"{case.kind} {[value for value in case.parameters.values() if isinstance(value, str)]}",
)
def test_a_layer_means_what_is_documented(case: Case) -> None:
    found = run(case)
    expected = case.expected if len(case.dtypes) > 1 else [case.expected] * len(case.dtypes)
    for value, wanted, dtype in zip(found, expected, case.dtypes, strict=True):
        assert not isinstance(value, Missing), value
        assert value.dtype == TYPES[dtype]
        np.testing.assert_allclose(value, wanted, rtol=2e-5, atol=2e-6)


def test_every_kind_has_a_case() -> None:
    assert {case.kind for case in CASES} == MEANINGS.keys()


OPEN: list[tuple[str, Callable[[], Case]]] = [
    ("is not known", lambda: Case("MOE", {}, (X4,), None)),
    (
        "not whole",
        lambda: Case("RESIZE", resized("LINEAR", "HALF_PIXEL", shape=None, scales=[1, 1, 0.5, 1]), (X4,), None),
    ),
    ("by zero", lambda: Case("ELEMENTWISE", {"op": "DIV"}, (ints(1), ints(0)), None, ("INT64",))),
    ("random", lambda: Case("FILL", {"operation": "RANDOM_NORMAL"}, (), None)),
    ("two writes", lambda: Case("SCATTER", {"mode": "ND", "axis": 0}, (ROW, np.array([[1], [1]]), ROW[:2]), None)),
    ("beyond the bounds", lambda: Case("SLICE", cut([3], [4], [1]), (ROW,), None)),
    ("cannot be read", lambda: Case("CONSTANT", {"weights": None, "shape": [1]}, (), None)),
    (
        "masked whole",
        lambda: Case(
            "ATTENTION_INPUT",
            {"attention": {"causal": False, "norm_op": "SOFTMAX"}},
            (X4, X4, X4, np.zeros((1, 1, 7, 7), bool)),
            None,
        ),
    ),
    (
        "order of NaN",
        lambda: Case("TOPK", {"op": "MAX", "k": 1, "axes": 1}, (np.float32([np.nan, 1]),), None, ("FLOAT", "INT64")),
    ),
    ("ValueError", lambda: Case("CONCATENATION", {"axis": 0}, (X4, ROW), None)),
    ("AVG over 0 axes", lambda: Case("REDUCE", {"op": "AVG", "axes": 0, "keep_dims": True}, (X4,), None)),
]


@pytest.mark.parametrize(("reason", "make"), OPEN, ids=[reason for reason, _ in OPEN])
def test_what_is_not_documented_is_not_raised(reason: str, make: Callable[[], Case]) -> None:
    for value in run(make()):
        assert isinstance(value, Missing)
        assert reason in value.reason


def test_a_shape_that_the_network_contradicts_is_no_meaning() -> None:
    inputs, outputs = (Tensor("x", "FLOAT", (4,)),), (Tensor("y", "FLOAT", (5,)),)
    network = Network(inputs, outputs, (Layer("IDENTITY", "i", "", inputs, outputs),))
    value = execute(network, {"x": ROW})["y"]
    assert isinstance(value, Missing)
    assert "the network says (5,)" in value.reason


def test_a_type_that_numpy_lacks_is_not_raised() -> None:
    with pytest.raises(NotRaised):
        execute(Network((Tensor("x", "E8M0", (4,)),), (), ()), {"x": ROW})

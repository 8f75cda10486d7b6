"""Small models for every limit that the safety-scope check of TensorRT 10.x has, on both sides of it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
TYPES = ("FLOAT", "FLOAT16", "BFLOAT16", "INT8", "INT32", "INT64", "BOOL", "UINT8")
DATA = (1, 4, 8, 8)


class Case(NamedTuple):
    """One model."""

    family: str
    name: str
    model: bytes

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


class Constant(NamedTuple):
    """An input that is an initializer."""

    array: Any
    dtype: str


class Input(NamedTuple):
    """A network input."""

    dtype: str
    shape: Shape


Operand = Input | Constant | None


def ints(*values: int) -> Constant:
    return Constant(np.array(values, np.int64), "INT64")


def zeros(dtype: str, *shape: int) -> Constant:
    return Constant(np.zeros(shape), dtype)


def scalar(dtype: str, value: float) -> Constant:
    return Constant(np.array(value), dtype)


def _initializer(name: str, constant: Constant) -> Any:
    number = TensorProto.DataType.Value(constant.dtype)
    if constant.dtype == "BFLOAT16":
        bits = np.asarray(constant.array, np.float32).view(np.uint32) >> 16
        return helper.make_tensor(name, number, constant.array.shape, bits.astype(np.uint16).tobytes(), raw=True)
    return numpy_helper.from_array(constant.array.astype(helper.tensor_dtype_to_np_dtype(number)), name)


class Graph:
    """A model under construction."""

    def __init__(self, opset: int = 17) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.initializers: list[Any] = []

    def operand(self, operand: Operand) -> str:
        if operand is None:
            return ""
        name = f"x{len(self.inputs) + len(self.initializers)}"
        if isinstance(operand, Constant):
            self.initializers.append(_initializer(name, operand))
        else:
            number = TensorProto.DataType.Value(operand.dtype)
            self.inputs.append(helper.make_tensor_value_info(name, number, operand.shape))
        return name

    def add(self, op: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"t{len(self.nodes)}_{number}" for number in range(outputs)]
        node = helper.make_node(op, list(inputs), names, name=f"n{len(self.nodes)}", **attributes)
        self.nodes.append(node)
        return names

    def model(self, outputs: Sequence[str]) -> bytes:
        """Serialised, with the types and shapes of the outputs inferred."""
        values = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", self.inputs, values, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        del inferred.graph.value_info[:]
        return bytes(inferred.SerializeToString())


def one(op: str, inputs: Sequence[Operand], outputs: int = 1, opset: int = 17, **attributes: Any) -> bytes:
    """A model of one node."""
    graph = Graph(opset)
    return graph.model(graph.add(op, [graph.operand(operand) for operand in inputs], outputs, **attributes))


def inside(op: str, dtype: str, to: str, opset: int = 17, **attributes: Any) -> bytes:
    """A node between two casts, so that its type is not that of a network input or output."""
    graph = Graph(opset)
    (data,) = graph.add("Cast", [graph.operand(Input("FLOAT", DATA))], to=TensorProto.DataType.Value(dtype))
    (data,) = graph.add(op, [data], **attributes)
    return graph.model(graph.add("Cast", [data], to=TensorProto.DataType.Value(to)))


def convolution(op: str = "Conv", data: Shape = (1, 4, 64, 64), out: int = 8, kernel: Shape = (3, 3), group: int = 1,
    dtype: str = "FLOAT", bias: bool = False, computed: bool = False, **attributes: Any) -> bytes:  # fmt: skip
    """A convolution or deconvolution."""
    channels = data[1]
    weights = (out, channels // group) if op == "Conv" else (channels, out // group)
    operands: list[Operand] = [Input(dtype, data), zeros(dtype, *weights, *kernel)]
    if computed:
        operands[1] = Input(dtype, (*weights, *kernel))
    if bias:
        operands.append(zeros(dtype, out))
    return one(op, operands, group=group, **attributes)


def pooling(op: str, window: Shape, data: Shape = (1, 4, 64, 64), dtype: str = "FLOAT", opset: int = 17,
    **attributes: Any) -> bytes:  # fmt: skip
    """A pooling layer."""
    return one(op, [Input(dtype, data)], kernel_shape=window, opset=opset, **attributes)


def _windows() -> Iterator[Case]:
    for op, far in (("Conv", 32), ("ConvTranspose", 16)):

        def case(name: str, *args: Any, op: str = op, **kwargs: Any) -> Case:
            return Case(op, name, convolution(op, *args, **kwargs))

        for size in (1, 2, 3, 5, 7, 8, 9, 17, 18, 19, far, 33):
            yield case(f"kernel {size}", kernel=(size, size))
            yield case(f"kernel 1 by {size}", kernel=(1, size))
        for size in (1, 2, 3, 5, 8, 18):
            for stride in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10):
                yield case(f"kernel {size} stride {stride}", kernel=(size, size), strides=(stride, stride))
        for size in (1, 2, 3, 7, 8, 18):
            for pad in (1, 2, 3, 6, 7, 8, 9, 17, 18, 19):
                yield case(f"kernel {size} padding {pad}", kernel=(size, size), pads=(pad,) * 4)
        for dilation in (1, 2, 8, 17, 18, 19):
            yield case(f"dilation {dilation}", dilations=(dilation, dilation), data=(1, 4, 64, 64))
            for pad in (2, 3, 4, 5, 8, 9, 18, 19):
                yield case(f"dilation {dilation} padding {pad}", dilations=(dilation, dilation), pads=(pad,) * 4)
        for channels in (1, 3, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 32768):
            yield case(f"{channels} input channels", data=(1, channels, 2, 2), out=1, kernel=(1, 1))
            yield case(f"{channels} output channels", data=(1, 1, 2, 2), out=channels, kernel=(1, 1))
        for group in (1, 2, 4, 64, 4096, 4097, 16384):
            yield case(f"depthwise {group}", data=(1, group, 4, 4), out=group, kernel=(3, 3), group=group)
        yield case("groups", data=(1, 16, 8, 8), out=32, group=4)
        for size in (3, 8, 9, 18, 19):
            yield case(f"3-D kernel {size}", data=(1, 2, 20, 20, 20), kernel=(size, 1, 3))
            yield case(f"1-D kernel {size}", data=(1, 2, 64), kernel=(size,))
        for stride in (3, 8, 9):
            yield case(f"1-D stride {stride}", data=(1, 2, 64), kernel=(8,), strides=(stride,))
        for pad in (1, 7, 8, 9):
            yield case(f"1-D padding {pad}", data=(1, 2, 64), kernel=(8,), pads=(pad, pad))
        yield case("1-D, depthwise", data=(1, 8, 64), out=8, kernel=(3,), group=8)
        yield case("bias", bias=True)
        yield case("bias, 1-D", data=(1, 4, 64), kernel=(3,), bias=True)
        yield case("asymmetric padding", pads=(0, 1, 1, 0))
        yield case("asymmetric padding beyond", pads=(0, 0, 3, 9))
        yield case("computed weights", computed=True)
        yield case("batch 64", data=(64, 4, 8, 8))
        for mode in ("VALID", "SAME_UPPER", "SAME_LOWER"):
            yield case(mode, auto_pad=mode)
            yield case(f"{mode} stride 2", auto_pad=mode, strides=(2, 2))
            yield case(f"{mode} kernel 8", auto_pad=mode, kernel=(8, 8))
            yield case(f"{mode} kernel 18", auto_pad=mode, kernel=(18, 18))
            yield case(f"{mode} dilation 2", auto_pad=mode, dilations=(2, 2))
        for dtype in ("FLOAT16", "BFLOAT16"):
            yield case(dtype, dtype=dtype)
    yield Case("ConvTranspose", "output padding", convolution("ConvTranspose", strides=(2, 2), output_padding=(1, 1)))
    yield Case(
        "ConvTranspose", "output padding and padding",
        convolution("ConvTranspose", strides=(2, 2), pads=(1, 1, 1, 1), output_padding=(1, 1)),
    )  # fmt: skip
    for op in ("MaxPool", "AveragePool"):
        for size in (1, 2, 3, 8, 19, 21, 22, 23, 24, 32, 64):
            yield Case(op, f"window {size}", pooling(op, (size, size)))
            yield Case(op, f"window {size} by 1", pooling(op, (size, 1)))
        for stride in (1, 2, 3, 5, 6, 7, 8, 16):
            yield Case(op, f"stride {stride}", pooling(op, (8, 8), strides=(stride, stride)))
            yield Case(op, f"stride 1 by {stride}", pooling(op, (8, 8), strides=(1, stride)))
        for size in (2, 3, 11, 12, 22):
            for pad in (1, 2, 3, 9, 10, 11, 12, 21):
                if pad < size:
                    yield Case(op, f"window {size} padding {pad}", pooling(op, (size, size), pads=(pad,) * 4))
        yield Case(op, "asymmetric padding", pooling(op, (3, 3), pads=(0, 1, 1, 0)))
        for mode in ("VALID", "SAME_UPPER", "SAME_LOWER"):
            yield Case(op, mode, pooling(op, (3, 3), auto_pad=mode, strides=(2, 2)))
            yield Case(op, f"{mode} window 22", pooling(op, (22, 22), auto_pad=mode, strides=(2, 2)))
            yield Case(op, f"{mode} window 23", pooling(op, (23, 23), auto_pad=mode, strides=(2, 2)))
        yield Case(op, "ceil", pooling(op, (3, 3), strides=(2, 2), ceil_mode=1))
        for size in (2, 22, 23):
            yield Case(op, f"3-D window {size}", pooling(op, (size, 2, 2), (1, 2, 24, 8, 8)))
            yield Case(op, f"1-D window {size}", pooling(op, (size,), (1, 2, 64)))
        for stride in (6, 7):
            yield Case(op, f"1-D stride {stride}", pooling(op, (8,), (1, 2, 64), strides=(stride,)))
        for dtype in ("FLOAT16", "BFLOAT16", "INT8"):
            yield Case(op, dtype, pooling(op, (2, 2), dtype=dtype))
    for padded in (0, 1):
        yield Case(
            "AveragePool",
            f"count padding {padded}",
            pooling("AveragePool", (3, 3), pads=(1,) * 4, count_include_pad=padded),
        )
    yield Case("MaxPool", "dilations", pooling("MaxPool", (3, 3), dilations=(2, 2)))
    yield Case("AveragePool", "dilations", pooling("AveragePool", (3, 3), dilations=(2, 2), opset=19))
    yield Case("LpPool", "p 2", one("LpPool", [Input("FLOAT", DATA)], kernel_shape=(2, 2), p=2))
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        yield Case(op, "4-D", one(op, [Input("FLOAT", DATA)]))
        yield Case(op, "64 by 64", one(op, [Input("FLOAT", (1, 4, 64, 64))]))


ACTIVATIONS: dict[str, dict[str, Any]] = {
    "Relu": {}, "Sigmoid": {}, "Tanh": {}, "LeakyRelu": {"alpha": 0.2}, "Elu": {}, "Selu": {}, "Softsign": {},
    "Softplus": {}, "HardSigmoid": {}, "ThresholdedRelu": {}, "Celu": {"alpha": 1.5}, "HardSwish": {},
}  # fmt: skip
UNARY = (
    "Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Neg", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos", "Atan",
    "Asinh", "Acosh", "Atanh", "Ceil", "Floor", "Erf", "Sign", "Round", "IsNaN", "IsInf",
)  # fmt: skip
BINARY = (
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Max",
    "Min",
    "Mod",
    "Equal",
    "Greater",
    "Less",
    "GreaterOrEqual",
    "LessOrEqual",
)
REDUCE = (
    "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip


def _pointwise() -> Iterator[Case]:
    for dtype in TYPES:
        for op, attributes in ACTIVATIONS.items():
            yield Case("activation", f"{op} {dtype}", one(op, [Input(dtype, DATA)], **attributes))
        yield Case("activation", f"Gelu {dtype}", one("Gelu", [Input(dtype, DATA)], opset=20))
        yield Case("activation", f"Gelu tanh {dtype}", one("Gelu", [Input(dtype, DATA)], opset=20, approximate="tanh"))
        yield Case("activation", f"Mish {dtype}", one("Mish", [Input(dtype, DATA)], opset=18))
        yield Case("activation", f"PRelu {dtype}", one("PRelu", [Input(dtype, DATA), zeros(dtype, 4, 1, 1)]))
        bounds = [scalar(dtype, 0), scalar(dtype, 6)]
        yield Case("activation", f"Clip {dtype}", one("Clip", [Input(dtype, DATA), *bounds]))
        yield Case("activation", f"Clip from below {dtype}", one("Clip", [Input(dtype, DATA), bounds[0]]))
        for op in UNARY:
            yield Case("unary", f"{op} {dtype}", one(op, [Input(dtype, DATA)]))
        yield Case("unary", f"Not {dtype}", one("Not", [Input(dtype, DATA)]))
        for op in BINARY:
            yield Case("elementwise", f"{op} {dtype}", one(op, [Input(dtype, DATA)] * 2))
            yield Case("elementwise", f"{op} {dtype} with a constant", one(op, [Input(dtype, DATA), scalar(dtype, 1)]))
        for op in ("And", "Or", "Xor"):
            yield Case("elementwise", f"{op} {dtype}", one(op, [Input(dtype, DATA)] * 2))
        yield Case("elementwise", f"Sum {dtype}", one("Sum", [Input(dtype, DATA)] * 3))
        yield Case("elementwise", f"Mean {dtype}", one("Mean", [Input(dtype, DATA)] * 3))
        yield Case("elementwise", f"Mod of floats {dtype}", one("Mod", [Input(dtype, DATA)] * 2, fmod=1))
        yield Case("elementwise", f"broadcast {dtype}", one("Add", [Input(dtype, DATA), Input(dtype, (8,))]))
        yield Case("select", f"Where {dtype}", one("Where", [Input("BOOL", DATA), *[Input(dtype, DATA)] * 2]))
        for other in TYPES:
            yield Case(
                "cast", f"{dtype} to {other}", one("Cast", [Input(dtype, DATA)], to=TensorProto.DataType.Value(other))
            )
    for rank in range(10):
        shape = (2,) * rank
        for family, op, operands in (
            ("activation", "Relu", 1), ("unary", "Exp", 1), ("elementwise", "Add", 2), ("identity", "Identity", 1),
        ):  # fmt: skip
            yield Case(family, f"{op} rank {rank}", one(op, [Input("FLOAT", shape)] * operands))
        yield Case("select", f"rank {rank}", one("Where", [Input("BOOL", shape), *[Input("FLOAT", shape)] * 2]))
        yield Case("cast", f"rank {rank}", one("Cast", [Input("FLOAT", shape)], to=TensorProto.FLOAT16))
        yield Case("shape", f"Shape rank {rank}", one("Shape", [Input("FLOAT", shape)]))
    for length in (2**24, 2**31 - 1, 2**31):
        for op in ("Relu", "Exp", "Identity"):
            yield Case("limits", f"{op} of {length}", one(op, [Input("FLOAT", (length,))]))
    yield Case("limits", "2^32 elements", one("Relu", [Input("FLOAT", (2**16, 2**16))]))
    for dtype in TYPES:
        yield Case("identity", dtype, one("Identity", [Input(dtype, DATA)]))
        yield Case("shape", dtype, one("Shape", [Input(dtype, DATA)]))
        yield Case("shape", f"Size {dtype}", one("Size", [Input(dtype, DATA)]))
    for op in ("Relu", "Exp", "Identity", "Transpose", "Softmax"):
        yield Case("bfloat16", f"{op} between casts", inside(op, "BFLOAT16", "FLOAT"))
        yield Case("bfloat16", f"{op} between casts to halves", inside(op, "FLOAT16", "FLOAT"))
    yield Case("bfloat16", "bfloat16 constant", one("Cast", [Input("BFLOAT16", DATA)], to=1))


def _reductions() -> Iterator[Case]:
    for dtype in TYPES:
        for op in REDUCE:
            yield Case("reduce", f"{op} {dtype}", one(op, [Input(dtype, DATA)], opset=20))
            attributes = {} if op == "ReduceSum" else {"axes": [2, 3]}
            operands = [Input(dtype, DATA), *([ints(2, 3)] if op == "ReduceSum" else [])]
            yield Case("reduce", f"{op} {dtype} by attribute", one(op, operands, keepdims=0, **attributes))
        yield Case("topk", dtype, one("TopK", [Input(dtype, DATA), ints(2)], 2))
        yield Case("topk", f"smallest {dtype}", one("TopK", [Input(dtype, DATA), ints(2)], 2, largest=0, axis=1))
        for op in ("ArgMax", "ArgMin"):
            yield Case("topk", f"{op} {dtype}", one(op, [Input(dtype, DATA)], axis=1))
            yield Case("topk", f"{op} {dtype} without the axis", one(op, [Input(dtype, DATA)], axis=1, keepdims=0))
        yield Case("topk", f"ArgMax {dtype} last", one("ArgMax", [Input(dtype, DATA)], axis=1, select_last_index=1))
        for op in ("Softmax", "LogSoftmax", "Hardmax"):
            yield Case("softmax", f"{op} {dtype}", one(op, [Input(dtype, DATA)]))
            yield Case("softmax", f"{op} {dtype}, axis 1", one(op, [Input(dtype, DATA)], axis=1))
            yield Case("softmax", f"{op} {dtype}, opset 11", one(op, [Input(dtype, DATA)], axis=1, opset=11))
        yield Case("cumulative", dtype, one("CumSum", [Input(dtype, DATA), scalar("INT64", 1)]))
    for axes in ((0,), (1,), (3,), (-1,), (0, 1), (1, 2, 3), (0, 1, 2, 3)):
        for keep in (0, 1):
            yield Case(
                "reduce",
                f"axes {axes} keep {keep}",
                one("ReduceMean", [Input("FLOAT", DATA)], axes=axes, keepdims=keep),
            )
    yield Case("reduce", "nothing to do", one("ReduceSum", [Input("FLOAT", DATA)], noop_with_empty_axes=1))
    for rank in range(9):
        shape = (2,) * rank
        yield Case("reduce", f"rank {rank}", one("ReduceSum", [Input("FLOAT", shape)]))
        yield Case("softmax", f"rank {rank}", one("Softmax", [Input("FLOAT", shape)]))
        yield Case("topk", f"rank {rank}", one("TopK", [Input("FLOAT", shape), ints(1)], 2))
        yield Case("cumulative", f"rank {rank}", one("CumSum", [Input("FLOAT", shape), scalar("INT64", 0)]))
    for count in (1, 3840, 3841):
        yield Case("topk", f"k {count}", one("TopK", [Input("FLOAT", (1, 5000)), ints(count)], 2))
    for exclusive in (0, 1):
        for reverse in (0, 1):
            operands = [Input("FLOAT", DATA), scalar("INT64", 1)]
            name = f"exclusive {exclusive} reverse {reverse}"
            yield Case("cumulative", name, one("CumSum", operands, exclusive=exclusive, reverse=reverse))


def _matrices() -> Iterator[Case]:
    for dtype in TYPES:
        square = Input(dtype, (8, 8))
        yield Case("matmul", dtype, one("MatMul", [square, square]))
        yield Case("matmul", f"{dtype} with weights", one("MatMul", [square, zeros(dtype, 8, 4)]))
        yield Case("matmul", f"Gemm {dtype}", one("Gemm", [square, zeros(dtype, 8, 4), zeros(dtype, 4)]))
        yield Case("einsum", dtype, one("Einsum", [square, square], equation="ij,jk->ik"))
        yield Case("matmul", f"{dtype} integer product", one("MatMulInteger", [square, square]))
        grid = [Input(dtype, DATA), Input(dtype, (1, 4, 4, 2))]
        yield Case("gridsample", dtype, one("GridSample", grid))
    for mode in ("bilinear", "nearest", "bicubic"):
        for fill in ("zeros", "border", "reflection"):
            for corners in (0, 1):
                operands = [Input("FLOAT", DATA), Input("FLOAT", (1, 4, 4, 2))]
                model = one("GridSample", operands, mode=mode, padding_mode=fill, align_corners=corners)
                yield Case("gridsample", f"{mode} {fill} {corners}", model)
    for shapes in (
        ((8,), (8,)),
        ((8,), (8, 3)),
        ((3, 8), (8,)),
        ((2, 3, 8), (8, 4)),
        ((2, 3, 8), (2, 8, 4)),
        ((2,) * 8, (2,) * 8),
    ):
        yield Case("matmul", f"shapes {shapes}", one("MatMul", [Input("FLOAT", shape) for shape in shapes]))
    for attributes in (
        {"transA": 1},
        {"transB": 1},
        {"alpha": 2.0},
        {"beta": 0.5},
        {"alpha": 0.5, "beta": 2.0, "transB": 1},
    ):
        operands = [Input("FLOAT", (8, 8)), zeros("FLOAT", 8, 8), zeros("FLOAT", 8)]
        yield Case("matmul", f"Gemm {attributes}", one("Gemm", operands, **attributes))
    yield Case("matmul", "Gemm without bias", one("Gemm", [Input("FLOAT", (8, 8)), zeros("FLOAT", 8, 8)]))
    for equation, shapes in (
        ("ij,jk->ik", ((4, 8), (8, 3))), ("bij,bjk->bik", ((2, 4, 8), (2, 8, 3))), ("ij->ji", ((4, 8),)),
        ("ij,ij->", ((4, 8), (4, 8))),
        ("bhqd,bhkd->bhqk", ((1, 2, 4, 8), (1, 2, 4, 8))),
    ):  # fmt: skip
        yield Case("einsum", equation, one("Einsum", [Input("FLOAT", shape) for shape in shapes], equation=equation))


def _movement() -> Iterator[Case]:
    for dtype in TYPES:
        data = Input(dtype, DATA)
        yield Case("shuffle", f"Reshape {dtype}", one("Reshape", [data, ints(1, 256)]))
        yield Case("shuffle", f"Transpose {dtype}", one("Transpose", [data], perm=[0, 2, 3, 1]))
        yield Case("shuffle", f"Flatten {dtype}", one("Flatten", [data]))
        yield Case("shuffle", f"Squeeze {dtype}", one("Squeeze", [data, ints(0)]))
        yield Case("shuffle", f"Squeeze all {dtype}", one("Squeeze", [data]))
        yield Case("shuffle", f"Squeeze {dtype} opset 11", one("Squeeze", [data], axes=[0], opset=11))
        yield Case("shuffle", f"Unsqueeze {dtype}", one("Unsqueeze", [data, ints(0)]))
        yield Case("shuffle", f"Unsqueeze {dtype} opset 11", one("Unsqueeze", [data], axes=[0], opset=11))
        yield Case("shuffle", f"DepthToSpace {dtype}", one("DepthToSpace", [data], blocksize=2))
        yield Case("shuffle", f"SpaceToDepth {dtype}", one("SpaceToDepth", [data], blocksize=2))
        yield Case("concat", dtype, one("Concat", [data, data], axis=1))
        yield Case("concat", f"{dtype} with a constant", one("Concat", [data, zeros(dtype, *DATA)], axis=1))
        yield Case("slice", dtype, one("Slice", [data, ints(0, 0), ints(4, 4), ints(2, 3)]))
        yield Case("slice", f"{dtype} by attributes", one("Slice", [data], starts=[1], ends=[3], axes=[2], opset=9))
        yield Case("slice", f"Split {dtype}", one("Split", [data], 2, axis=1))
        yield Case("slice", f"Split sizes {dtype}", one("Split", [data, ints(1, 3)], 2, axis=1))
        yield Case("slice", f"Pad {dtype}", one("Pad", [data, ints(0, 0, 1, 1, 0, 0, 1, 1)]))
        yield Case("slice", f"Pad value {dtype}", one("Pad", [data, ints(0, 0, 1, 1, 0, 0, 1, 1), scalar(dtype, 1)]))
        yield Case("slice", f"Expand {dtype}", one("Expand", [Input(dtype, (1, 4)), ints(3, 4)]))
        yield Case("slice", f"Tile {dtype}", one("Tile", [Input(dtype, (1, 4)), ints(3, 2)]))
        yield Case("gather", dtype, one("Gather", [data, ints(0, 1)], axis=1))
        yield Case("gather", f"scalar index {dtype}", one("Gather", [data, scalar("INT64", 1)], axis=1))
        yield Case("gather", f"computed index {dtype}", one("Gather", [data, Input("INT32", (2,))], axis=1))
        yield Case("gather", f"elements {dtype}", one("GatherElements", [data, Input("INT64", DATA)], axis=1))
        yield Case("gather", f"ND {dtype}", one("GatherND", [data, Input("INT64", (2, 4))]))
        yield Case("scatter", f"elements {dtype}", one("ScatterElements", [data, Input("INT64", DATA), data], axis=1))
        yield Case(
            "scatter",
            f"ND {dtype}",
            one("ScatterND", [Input(dtype, (4, 4)), Input("INT64", (2, 1)), Input(dtype, (2, 4))]),
        )
        values = [Input("INT64", (4,)), scalar("INT64", 5), Constant(np.array([0, 1]), dtype)]
        for axis in (0, 1, -1):
            yield Case("onehot", f"{dtype} axis {axis}", one("OneHot", values, axis=axis))
        lengths = [Input(dtype, (4, 2, 3)), Input("INT64", (2,))]
        yield Case("refused", f"ReverseSequence {dtype}", one("ReverseSequence", lengths))
        yield Case("fill", f"Trilu {dtype}", one("Trilu", [Input(dtype, (4, 4))]))
        yield Case("fill", f"ConstantOfShape {dtype}", _constant_of_shape(dtype))
        yield Case("resize", dtype, one("Resize", [data, None, None, ints(1, 4, 16, 16)]))
        yield Case("fill", f"Range {dtype}", one("Range", [scalar(dtype, 0), scalar(dtype, 4), scalar(dtype, 1)]))
        yield Case("fill", f"EyeLike {dtype}", one("EyeLike", [Input(dtype, (4, 4))]))
    for rank in range(9):
        shape = (2,) * rank
        floats = Input("FLOAT", shape)
        yield Case("concat", f"rank {rank}", one("Concat", [floats, floats], axis=0))
        yield Case("gather", f"rank {rank}", one("Gather", [floats, ints(0)], axis=0))
        yield Case("shuffle", f"Transpose rank {rank}", one("Transpose", [floats]))
        yield Case("shuffle", f"Reshape from rank {rank}", one("Reshape", [floats, ints(1, -1)]))
        yield Case("shuffle", f"Reshape to rank {rank}", one("Reshape", [Input("FLOAT", (2**rank,)), ints(*shape)]))
        yield Case("scatter", f"rank {rank}", one("ScatterElements", [floats, Input("INT64", shape), floats], axis=0))
        if rank:
            yield Case("slice", f"rank {rank}", one("Slice", [floats, ints(0), ints(1), ints(0)]))
    for count in (1, 2, 8, 64, 1000):
        yield Case("concat", f"{count} inputs", one("Concat", [Input("FLOAT", (1, 1, 2))] * count, axis=1))
    for mode in ("constant", "edge", "reflect", "wrap"):
        operands = [Input("FLOAT", DATA), ints(0, 0, 1, 1, 0, 0, 1, 1)]
        yield Case("slice", f"Pad mode {mode}", one("Pad", operands, mode=mode, opset=19))
        yield Case("slice", f"Pad mode {mode} by attribute",
            one("Pad", [Input("FLOAT", DATA)], mode=mode, pads=[0, 0, 1, 1, 0, 0, 1, 1], opset=10))  # fmt: skip
    for reduction in ("none", "add", "mul", "max", "min"):
        operands = [Input("FLOAT", (4, 4)), Input("INT64", (2, 1)), Input("FLOAT", (2, 4))]
        yield Case("scatter", f"ND {reduction}", one("ScatterND", operands, reduction=reduction, opset=18))
    yield Case("slice", "steps", one("Slice", [Input("FLOAT", DATA), ints(0), ints(8), ints(3), ints(2)]))
    yield Case("slice", "backwards", one("Slice", [Input("FLOAT", DATA), ints(-1), ints(-100), ints(3), ints(-1)]))
    computed = [Input("INT64", (1,))] * 3
    yield Case("slice", "computed bounds", one("Slice", [Input("FLOAT", DATA), *computed]))
    yield Case("shuffle", "computed shape", one("Reshape", [Input("FLOAT", DATA), Input("INT64", (2,))]))
    for op in ("RandomUniform", "RandomNormal"):
        yield Case("fill", op, one(op, [], shape=[2, 2]))
        yield Case("fill", f"{op}Like", one(f"{op}Like", [Input("FLOAT", (2, 2))]))
    yield Case("data-dependent", "NonZero", one("NonZero", [Input("FLOAT", (4,))]))
    yield Case("data-dependent", "NonMaxSuppression",
        one("NonMaxSuppression", [Input("FLOAT", (1, 8, 4)), Input("FLOAT", (1, 1, 8)), ints(3)]))  # fmt: skip
    yield Case("data-dependent", "Compress", one("Compress", [Input("FLOAT", (4,)), Input("BOOL", (4,))]))
    yield Case("data-dependent", "Unique", one("Unique", [Input("FLOAT", (4,))]))


def _constant_of_shape(dtype: str) -> bytes:
    graph = Graph()
    (shape,) = graph.add("Shape", [graph.operand(Input("FLOAT", (2, 3)))])
    if dtype == "BFLOAT16":
        return graph.model(graph.add("ConstantOfShape", [shape]))
    value = numpy_helper.from_array(np.zeros(1, helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(dtype))))
    return graph.model(graph.add("ConstantOfShape", [shape], value=value))


def _resizes() -> Iterator[Case]:
    data = Input("FLOAT", DATA)
    for mode in ("nearest", "linear", "cubic"):
        for transformation in (
            "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
            "half_pixel_symmetric",
        ):  # fmt: skip
            region = Constant(np.zeros(8), "FLOAT") if transformation == "tf_crop_and_resize" else None
            for by in ("scales", "sizes"):
                target = Constant(np.array([1, 1, 2, 2]), "FLOAT") if by == "scales" else ints(1, 4, 16, 16)
                operands = [data, region, target] if by == "scales" else [data, region, None, target]
                model = one("Resize", operands, mode=mode, coordinate_transformation_mode=transformation, opset=19)
                yield Case("resize", f"{mode} {transformation} {by}", model)
        yield Case("resize", f"{mode} opset 10",
            one("Resize", [data, Constant(np.array([1, 1, 2, 2]), "FLOAT")], mode=mode, opset=10))  # fmt: skip
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        model = one("Resize", [data, None, None, ints(1, 4, 16, 16)], nearest_mode=rounding)
        yield Case("resize", f"nearest {rounding}", model)
    for shape in (
        (1, 4, 16, 16),
        (1, 8, 8, 8),
        (2, 4, 8, 8),
        (1, 4, 8, 9),
        (1, 8, 8, 16),
        (1, 4, 4, 4),
        (2, 8, 16, 16),
        (1, 4, 1, 1),
    ):
        yield Case("resize", f"to {shape}", one("Resize", [data, None, None, ints(*shape)]))
        scales = Constant(np.array([new / old for new, old in zip(shape, DATA, strict=True)]), "FLOAT")
        yield Case("resize", f"by scales to {shape}", one("Resize", [data, None, scales]))
        yield Case("resize", f"Upsample to {shape}", one("Upsample", [data, scales], opset=9))
    for rank in range(1, 9):
        target = [ints(*(2,) * (rank - 1), 4)]
        yield Case("resize", f"rank {rank}", one("Resize", [Input("FLOAT", (2,) * rank), None, None, *target]))
        yield Case("resize", f"linear rank {rank}",
            one("Resize", [Input("FLOAT", (2,) * rank), None, None, *target], mode="linear"))  # fmt: skip
    for dtype in ("FLOAT", "FLOAT16", "INT8"):
        yield Case(
            "resize",
            f"linear {dtype}",
            one("Resize", [Input(dtype, DATA), None, None, ints(1, 4, 16, 16)], mode="linear"),
        )


def _normalizations() -> Iterator[Case]:
    for dtype in TYPES:
        data = Input(dtype, DATA)
        channel = [zeros(dtype, 4)] * 2
        yield Case("normalization", f"LRN {dtype}", one("LRN", [data], size=5))
        yield Case("normalization", f"InstanceNormalization {dtype}", one("InstanceNormalization", [data, *channel]))
        yield Case(
            "normalization", f"LayerNormalization {dtype}", one("LayerNormalization", [data, *[zeros(dtype, 8)] * 2])
        )
        yield Case("normalization", f"BatchNormalization {dtype}",
            one("BatchNormalization", [data, *channel, zeros(dtype, 4), Constant(np.ones(4), dtype)]))  # fmt: skip
        graph = Graph(21)
        graph.add("GroupNormalization", [graph.operand(part) for part in (data, *channel)], num_groups=2)
        model = _shaped(graph, ["t0_0"], TensorProto.DataType.Value(dtype), DATA)  # of which ONNX infers no shape
        yield Case("normalization", f"GroupNormalization {dtype}", model)
        yield Case("normalization", f"MeanVarianceNormalization {dtype}", one("MeanVarianceNormalization", [data]))
        yield Case("normalization", f"LpNormalization {dtype}", one("LpNormalization", [data], p=2))
        yield Case("normalization", f"LpNormalization 1 {dtype}", one("LpNormalization", [data], p=1))
    for shape in ((2, 4), (1, 4, 8), DATA, (1, 4, 2, 2, 2), (1, 4, 2, 2, 2, 2)):
        data, channel = Input("FLOAT", shape), zeros("FLOAT", 4)
        yield Case("normalization", f"BatchNormalization of {shape}", one("BatchNormalization", [data, *[channel] * 4]))
        if len(shape) > 2:
            yield Case(
                "normalization",
                f"InstanceNormalization of {shape}",
                one("InstanceNormalization", [data, channel, channel]),
            )


def _quantization() -> Iterator[Case]:
    for dtype in ("FLOAT", "FLOAT16", "BFLOAT16"):
        for zero in ("INT8", "UINT8", "FLOAT8E4M3FN", "INT4", "none"):
            for channels in (None, 4):
                scale = Constant(np.ones(() if channels is None else (channels,)), dtype)
                points = [] if zero == "none" else [_zero_point(zero, channels)]
                name = f"{dtype} {zero} {channels}"
                yield Case("quantize", f"Q {name}", _quantized(dtype, scale, points, False))
                yield Case("quantize", f"QDQ {name}", _quantized(dtype, scale, points, True))
    for axis in (0, 1, 2, 3):
        scale = Constant(np.ones((DATA[axis],)), "FLOAT")
        yield Case(
            "quantize", f"axis {axis}", _quantized("FLOAT", scale, [_zero_point("INT8", DATA[axis])], True, axis=axis)
        )
    operands = [Input("INT8", DATA), scalar("FLOAT", 1), scalar("INT8", 0)]
    yield Case("quantize", "DQ of a network input", one("DequantizeLinear", operands, opset=21))
    yield Case("quantize", "QLinearConv", one("QLinearConv", [
        Input("INT8", DATA), scalar("FLOAT", 1), scalar("INT8", 0), zeros("INT8", 8, 4, 3, 3), scalar("FLOAT", 1),
        scalar("INT8", 0), scalar("FLOAT", 1), scalar("INT8", 0)]))  # fmt: skip
    yield Case("quantize", "DynamicQuantizeLinear", one("DynamicQuantizeLinear", [Input("FLOAT", DATA)], 3))
    graph = Graph(21)
    data = graph.operand(Input("FLOAT", DATA))
    scale_name, zero_name = graph.operand(scalar("FLOAT", 1)), graph.operand(scalar("INT8", 0))
    names = [data, graph.operand(zeros("FLOAT", 8, 4, 3, 3))]
    for index, name in enumerate(names):
        (quantized,) = graph.add("QuantizeLinear", [name, scale_name, zero_name])
        (names[index],) = graph.add("DequantizeLinear", [quantized, scale_name, zero_name])
    yield Case("quantize", "quantized convolution", graph.model(graph.add("Conv", names)))


def _as_the_parser_reads() -> Iterator[Case]:
    """Forms whose meaning for the parser is easily got wrong."""
    for dtype in ("FLOAT", "INT8", "INT32"):
        bound = scalar(dtype, 1)
        for name, bounds in (
            ("", []), ("e", [None]), ("ee", [None, None]), ("l", [bound]), ("le", [bound, None]),
            ("eu", [None, bound]), ("lu", [bound, bound]),
        ):  # fmt: skip
            operands = [Input(dtype, DATA), *bounds]
            yield Case("parser", f"Clip {dtype} with bounds '{name}'", one("Clip", operands))
    for shape in ((2,), (2, 3), (4, 2, 3), (2, 4, 2, 3)):
        yield Case("parser", f"vector times {shape}", one("MatMul", [Input("FLOAT", (2,)), Input("FLOAT", shape)]))
    for length in (25, 24, 23, 16, 7, 6):
        for mode in ("NOTSET", "SAME_UPPER"):
            for spatial in (1, 2, 3):
                model = convolution("ConvTranspose", (1, 4, *(16,) * spatial), kernel=(8,) * spatial,
                    output_shape=(length,) * spatial, auto_pad=mode)  # fmt: skip
                yield Case("parser", f"output_shape {length} {mode} {spatial}-D", model)
    for length in (38, 39, 40, 41):
        model = convolution("ConvTranspose", (1, 4, 16, 16), kernel=(8, 8), strides=(2, 2), output_padding=(1, 1),
            output_shape=(length, length))  # fmt: skip
        yield Case("parser", f"output_shape {length} with output_padding", model)
    for zero in ("INT8", "UINT8"):
        operands = [Input("FLOAT", DATA), scalar("FLOAT", 1), Input(zero, ())]
        yield Case("parser", f"Q with an {zero} zero point from outside", one("QuantizeLinear", operands))
        for data in (Input(zero, DATA), zeros(zero, *DATA)):
            operands = [data, scalar("FLOAT", 1), scalar(zero, 0)]
            yield Case("parser", f"DQ of {zero} {type(data).__name__}", one("DequantizeLinear", operands))


def _zero_point(dtype: str, channels: int | None) -> Constant:
    return Constant(np.zeros(() if channels is None else (channels,)), dtype)


def _quantized(dtype: str, scale: Constant, points: list[Constant], both: bool, axis: int = 1) -> bytes:
    graph = Graph(21)
    parameters = [graph.operand(part) for part in (scale, *points)]
    outputs = graph.add("QuantizeLinear", [graph.operand(Input(dtype, DATA)), *parameters], axis=axis)
    if both:
        outputs = graph.add("DequantizeLinear", [*outputs, *parameters], axis=axis)
    return graph.model(outputs)


_value = helper.make_tensor_value_info


def _control_flow() -> Iterator[Case]:
    for dtype in ("FLOAT", "FLOAT16", "BFLOAT16", "INT32", "INT64", "BOOL"):
        number = TensorProto.DataType.Value(dtype)

        def branch(name: str, op: str, number: int = number) -> Any:
            node = helper.make_node(op, ["x1"], [name], name=name)
            return helper.make_graph([node], name, [], [_value(name, number, [4])])

        graph = Graph()
        condition, _ = graph.operand(Input("BOOL", ())), graph.operand(Input(dtype, (4,)))
        graph.add("If", [condition], then_branch=branch("a", "Identity"), else_branch=branch("b", "Identity"))
        yield Case("control flow", f"If {dtype}", _shaped(graph, ["t0_0"], number, (4,)))
        for kind in ("count", "while"):
            for scan in (False, True):
                body_nodes = [
                    helper.make_node("Identity", ["c"], ["c2"], name="keep"),
                    helper.make_node("Identity", ["v"], ["v2"], name="carry"),
                ]
                outputs = [_value("c2", TensorProto.BOOL, []), _value("v2", number, [4])]
                if scan:
                    body_nodes.append(helper.make_node("Identity", ["v"], ["s"], name="scan"))
                    outputs.append(_value("s", number, [4]))
                inputs = [
                    _value("i", TensorProto.INT64, []),
                    _value("c", TensorProto.BOOL, []),
                    _value("v", number, [4]),
                ]
                body = helper.make_graph(body_nodes, "body", inputs, outputs)
                graph = Graph()
                trips = graph.operand(scalar("INT64", 3)) if kind == "count" else ""
                condition = graph.operand(Input("BOOL", ()) if kind == "while" else scalar("BOOL", 1))
                carried = graph.operand(Input(dtype, (4,)))
                names = graph.add("Loop", [trips, condition, carried], 2 if scan else 1, body=body)
                yield Case("control flow", f"Loop {kind} scan {scan} {dtype}", graph.model(names))
    for dtype in ("FLOAT", "FLOAT16"):
        for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
            for direction, ways in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
                operands = [Input(dtype, (5, 1, 4)), zeros(dtype, ways, gates * 6, 4), zeros(dtype, ways, gates * 6, 6)]
                model = one(op, operands, 2, hidden_size=6, direction=direction)
                yield Case("control flow", f"{op} {direction} {dtype}", model)


def _shaped(graph: Graph, names: list[str], number: int, shape: Shape) -> bytes:
    values = [helper.make_tensor_value_info(name, number, shape) for name in names]
    proto = helper.make_graph(graph.nodes, "g", graph.inputs, values, graph.initializers)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", graph.opset)], ir_version=8)
    return bytes(model.SerializeToString())


def cases() -> list[Case]:
    """Every case. Models that ONNX itself cannot express are left out."""
    found: list[Case] = []
    for family in (
        _windows, _pointwise, _reductions, _matrices, _movement, _resizes, _normalizations, _quantization,
        _control_flow, _as_the_parser_reads,
    ):  # fmt: skip
        found += family()
    return found


# --- random networks ---------------------------------------------------------------------------------------------


def random_model(seed: int, layers: int) -> bytes:
    """A chain of random layers on a four-dimensional tensor, around the limits."""
    draw = random.Random(seed)
    graph = Graph()
    dtype = draw.choice(["FLOAT", "FLOAT", "FLOAT16"])
    shape: Shape = (1, draw.choice([3, 4, 8]), draw.choice([24, 33, 48]), draw.choice([24, 33, 48]))
    current = graph.operand(Input(dtype, shape))
    for _ in range(layers):
        current, shape = draw.choice(_STEPS)(graph, draw, dtype, current, shape)
    if not graph.nodes:
        (current,) = graph.add("Identity", [current])
    return graph.model([current])


Step = tuple[str, Shape]


def _convolve(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    size, dilation = draw.choice([1, 2, 3, 5, 7, 17, 18, 19]), draw.choice([1, 1, 1, 2, 18, 19])
    reach = (size - 1) * dilation + 1
    pad = draw.choice([0, 0, size // 2, reach - 1, reach])
    stride = draw.choice([1, 1, 2, 8, 9])
    if min(shape[2:]) + 2 * pad < reach or math.prod(shape) > 200_000:
        return data, shape
    out = draw.choice([shape[1], 8, 16])
    group = shape[1] if out == shape[1] and draw.random() < 0.5 else 1
    weights = graph.operand(zeros(dtype, out, shape[1] // group, size, size))
    (name,) = graph.add(
        "Conv", [data, weights], group=group, pads=(pad,) * 4, strides=(stride, stride), dilations=(dilation, dilation)
    )
    new = tuple((length + 2 * pad - reach) // stride + 1 for length in shape[2:])
    return name, (shape[0], out, *new)


def _pool(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    size, stride = draw.choice([1, 2, 3, 21, 22, 23]), draw.choice([1, 2, 5, 6, 7])
    pad = draw.choice([0, 0, min(size - 1, draw.choice([1, 10, 11]))])
    if min(shape[2:]) + 2 * pad < size:
        return data, shape
    op = draw.choice(["MaxPool", "AveragePool"])
    (name,) = graph.add(op, [data], kernel_shape=(size, size), strides=(stride, stride), pads=(pad,) * 4)
    return name, (*shape[:2], *((length + 2 * pad - size) // stride + 1 for length in shape[2:]))


def _activate(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    op = draw.choice([*ACTIVATIONS, *UNARY[:8], "LRN", "Softmax", "Identity"])
    (name,) = graph.add(op, [data], **ACTIVATIONS.get(op, {"size": 5} if op == "LRN" else {}))
    return name, shape


def _combine(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    other = (
        data if draw.random() < 0.5 else graph.operand(zeros(dtype, *draw.choice([(), (1,), (shape[1], 1, 1), shape])))
    )
    (name,) = graph.add(draw.choice(["Add", "Mul", "Sub", "Max", "Min"]), [data, other])
    return name, shape


def _move(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    kind = draw.choice(["transpose", "reshape", "slice", "concat", "cast"])
    if kind == "transpose":
        (name,) = graph.add("Transpose", [data], perm=[0, 1, 3, 2])
        return name, (shape[0], shape[1], shape[3], shape[2])
    if kind == "reshape":
        new = (shape[0], shape[1], 1, shape[2] * shape[3])
        return graph.add("Reshape", [data, graph.operand(ints(*new))])[0], new
    if kind == "slice":
        (name,) = graph.add("Slice", [data, *map(graph.operand, (ints(0), ints(max(1, shape[2] // 2)), ints(2)))])
        return name, (*shape[:2], max(1, shape[2] // 2), shape[3])
    if kind == "concat":
        return graph.add("Concat", [data, data], axis=1)[0], (shape[0], 2 * shape[1], *shape[2:])
    other = draw.choice(["FLOAT16", "BFLOAT16", "FLOAT"])
    (name,) = graph.add("Cast", [data], to=TensorProto.DataType.Value(other))
    return graph.add("Cast", [name], to=TensorProto.DataType.Value(dtype))[0], shape


def _reduce(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    op = draw.choice(REDUCE[1:])
    (name,) = graph.add(op, [data], axes=[draw.choice([1, 2, 3])], keepdims=1)
    return name, _reduced(shape, graph.nodes[-1])


def _reduced(shape: Shape, node: Any) -> Shape:
    (axes,) = (tuple(attribute.ints) for attribute in node.attribute if attribute.name == "axes")
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def _resize(graph: Graph, draw: random.Random, dtype: str, data: str, shape: Shape) -> Step:
    new = (shape[0], shape[1] * draw.choice([1, 1, 2]), min(64, 2 * shape[2]), shape[3])
    mode = draw.choice(["nearest", "linear", "cubic"])
    if new[1] != shape[1] and mode == "cubic":
        return data, shape
    return graph.add("Resize", [data, "", "", graph.operand(ints(*new))], mode=mode)[0], new


_STEPS = (_convolve, _convolve, _pool, _pool, _activate, _combine, _move, _reduce, _resize)

"""Random models of one operator, with every attribute that an importer could read otherwise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, INT8, UINT8, INT32, INT64, BOOL = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
)
Shape = Sequence[int]


class Draw(random.Random):
    """Random parts of a model."""

    def some(self, **attributes: Sequence[Any]) -> dict[str, Any]:
        """Of each attribute one of the values, or none: then it is left out."""
        chosen = {name: self.choice(values) for name, values in attributes.items() if self.random() < 0.7}
        return {name: value for name, value in chosen.items() if value is not None}

    def shape(self, rank: int, least: int = 1, most: int = 5) -> list[int]:
        """Lengths of so many axes."""
        return [self.randint(least, most) for _ in range(rank)]

    def array(self, *shape: int, positive: bool = False) -> np.ndarray:
        """Weights."""
        found = np.random.default_rng(self.randrange(1 << 30)).standard_normal(shape)
        return (np.abs(found) + 0.3 if positive else found).astype(np.float32)


class Given:
    """An operand: a network input, an initializer, or none at all."""

    def __init__(self, dtype: int | None = None, shape: Shape = (), value: np.ndarray | None = None) -> None:
        self.dtype, self.shape, self.value = dtype, tuple(shape), value


NONE = Given()


def x(shape: Shape, dtype: int = FLOAT) -> Given:
    return Given(dtype, shape)


def w(value: Any, dtype: Any = None) -> Given:
    return Given(value=np.asarray(value, dtype))


def ints(*values: int) -> Given:
    return w(values, np.int64)


def model(operator: str, operands: Sequence[Given], outputs: int = 1, opset: int = 17, **attributes: Any) -> bytes:
    """A model of one node, its shapes and types inferred."""
    names = ["" if part is NONE else f"i{number}" for number, part in enumerate(operands)]
    node = helper.make_node(operator, names, [f"o{number}" for number in range(outputs)], "n", **attributes)
    inputs, weights = [], []
    for name, part in zip(names, operands, strict=True):
        if part.value is not None:
            weights.append(numpy_helper.from_array(part.value, name))
        elif name:
            assert part.dtype is not None
            inputs.append(helper.make_tensor_value_info(name, part.dtype, part.shape))
    results = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = helper.make_graph([node], "variant", inputs, results, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return bytes(onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True).SerializeToString())


def _pads(draw: Draw, rank: int) -> list[int]:
    return [draw.randint(0, 2) for _ in range(2 * rank)]


def _window(draw: Draw, rank: int) -> dict[str, Any]:
    found = draw.some(strides=[draw.shape(rank, 1, 3)], dilations=[draw.shape(rank, 1, 2)])
    kind = draw.choice(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", None])
    if kind in ("NOTSET", None):
        found |= draw.some(pads=[_pads(draw, rank)])
    return found | ({"auto_pad": kind} if kind else {})


def _conv(draw: Draw) -> bytes:
    rank, groups = draw.choice([1, 2, 2, 2, 3]), draw.choice([1, 1, 2, 4])
    window = draw.shape(rank, 1, 3)
    weights = draw.array(4, 4 // groups, *window)
    kernel = draw.choice([w(weights), x(weights.shape)])
    bias = draw.choice([[], [w(draw.array(4))]])
    attributes = {"group": groups, **_window(draw, rank), **draw.some(kernel_shape=[window])}
    return model(
        "Conv", [x((2, 4, *draw.shape(rank, 5, 9))), kernel, *bias], opset=draw.choice([11, 17, 22]), **attributes
    )


def _conv_transpose(draw: Draw) -> bytes:
    rank, groups = draw.choice([1, 2, 2, 2, 3]), draw.choice([1, 1, 2])
    window, lengths = draw.shape(rank, 2, 4), draw.shape(rank, 3, 5)
    strides = draw.shape(rank, 1, 3)
    attributes = _window(draw, rank) | {"group": groups, "strides": strides}
    if draw.random() < 0.5:
        attributes.pop("dilations", None)
    attributes |= draw.some(output_padding=[[draw.randint(0, stride - 1) for stride in strides]])
    if draw.random() < 0.3:
        attributes["output_shape"] = [a * b + draw.randint(-1, 2) for a, b in zip(lengths, strides, strict=True)]
    weights = draw.array(4, 4 // groups, *window)
    kernel = draw.choice([w(weights), x(weights.shape)])
    bias = draw.choice([[], [w(draw.array(4))], [x((4,))]])
    return model("ConvTranspose", [x((2, 4, *lengths)), kernel, *bias], opset=draw.choice([11, 17]), **attributes)


def _pool(draw: Draw) -> bytes:
    rank = draw.choice([1, 2, 2, 2, 3])
    operator = draw.choice(["MaxPool", "AveragePool", "LpPool"])
    attributes = _window(draw, rank) | {"kernel_shape": draw.shape(rank, 1, 4)}
    opset = draw.choice([12, 17, 19, 22])
    if operator == "AveragePool":
        attributes |= draw.some(count_include_pad=[0, 1])
    if operator == "LpPool":
        attributes |= draw.some(p=[1, 2, 3])
    if operator != "LpPool" or opset >= 18:
        attributes |= draw.some(ceil_mode=[0, 1])
    if (operator == "AveragePool" and opset < 19) or (operator == "LpPool" and opset < 18) or draw.random() < 0.5:
        attributes.pop("dilations", None)
    return model(operator, [x((2, 3, *draw.shape(rank, 4, 9)))], opset=opset, **attributes)


def _global_pool(draw: Draw) -> bytes:
    operator = draw.choice(["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"])
    attributes = draw.some(p=[1, 2, 3]) if operator == "GlobalLpPool" else {}
    return model(operator, [x((2, 3, *draw.shape(draw.choice([1, 2, 3]), 2, 5)))], opset=17, **attributes)


_REDUCTIONS = (
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
)


def _reduce(draw: Draw) -> bytes:
    operator, opset, rank = draw.choice(_REDUCTIONS), draw.choice([11, 13, 17, 18, 20]), draw.randint(1, 5)
    axes = draw.sample(range(-rank, 0), draw.randint(0, min(rank, 3)))
    data = x(draw.shape(rank), draw.choice([FLOAT, FLOAT, FLOAT, HALF, INT32]))
    attributes = draw.some(keepdims=[0, 1])
    as_input = opset >= (13 if operator == "ReduceSum" else 18)
    if as_input:
        attributes |= draw.some(noop_with_empty_axes=[0, 1])
        return model(operator, [data, *draw.choice([[], [ints(*axes)]])], opset=opset, **attributes)
    return model(operator, [data], opset=opset, **attributes, **draw.some(axes=[axes or None]))


def _arg(draw: Draw) -> bytes:
    rank = draw.randint(2, 4)
    attributes = draw.some(axis=[draw.randint(-rank, rank - 1)], keepdims=[0, 1], select_last_index=[0, 1])
    return model(draw.choice(["ArgMax", "ArgMin"]), [x(draw.shape(rank))], opset=17, **attributes)


def _top_k(draw: Draw) -> bytes:
    rank = draw.randint(2, 4)
    shape = draw.shape(rank, 3, 5)
    attributes = draw.some(axis=[draw.randint(-rank, rank - 1)], largest=[0, 1], sorted=[1])
    return model("TopK", [x(shape), ints(draw.randint(1, 3))], 2, 17, **attributes)


def _softmax(draw: Draw) -> bytes:
    rank = draw.randint(1, 4)
    operator = draw.choice(["Softmax", "LogSoftmax", "Hardmax"])
    attributes = draw.some(axis=[draw.randint(-rank, rank - 1)])
    return model(operator, [x(draw.shape(rank, 2))], opset=draw.choice([11, 17]), **attributes)


_ACTIVATIONS: dict[str, dict[str, list[Any]]] = {
    "Celu": {"alpha": [0.5, 2.0]},
    "Elu": {"alpha": [0.5, 2.0]},
    "HardSigmoid": {"alpha": [0.3], "beta": [0.4]},
    "HardSwish": {},
    "LeakyRelu": {"alpha": [0.2]},
    "Mish": {},
    "Relu": {},
    "Selu": {"alpha": [1.5], "gamma": [1.2]},
    "Shrink": {"lambd": [0.3], "bias": [0.1]},
    "Sigmoid": {},
    "Softplus": {},
    "Softsign": {},
    "Tanh": {},
    "ThresholdedRelu": {"alpha": [0.4]},
    "Gelu": {"approximate": ["none", "tanh"]},
    "Swish": {"alpha": [0.7]},
    "Abs": {},
    "Acos": {},
    "Acosh": {},
    "Asin": {},
    "Asinh": {},
    "Atan": {},
    "Atanh": {},
    "Ceil": {},
    "Cos": {},
    "Cosh": {},
    "Erf": {},
    "Exp": {},
    "Floor": {},
    "IsInf": {"detect_negative": [0, 1], "detect_positive": [0, 1]},
    "IsNaN": {},
    "Log": {},
    "Neg": {},
    "Reciprocal": {},
    "Round": {},
    "Sign": {},
    "Sin": {},
    "Sinh": {},
    "Sqrt": {},
    "Tan": {},
    "Identity": {},
    "Dropout": {},
    "Not": {},
    "BitwiseNot": {},
    "Size": {},
}
_OPSETS = {"Gelu": 20, "HardSwish": 14, "Mish": 18, "Swish": 24, "IsInf": 20, "BitwiseNot": 18}


def _unary(draw: Draw) -> bytes:
    operator = draw.choice(list(_ACTIVATIONS))
    dtype = {"Not": BOOL, "BitwiseNot": INT32}.get(operator, draw.choice([FLOAT, FLOAT, FLOAT, HALF]))
    opset = max(_OPSETS.get(operator, 0), draw.choice([13, 17, 22]))
    return model(
        operator, [x(draw.shape(draw.randint(0, 4)), dtype)], opset=opset, **draw.some(**_ACTIVATIONS[operator])
    )


_BINARY = (
    "Add",
    "And",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "Pow",
    "PRelu",
    "Sub",
    "Sum",
    "Xor",
    "BitShift",
)


def _binary(draw: Draw) -> bytes:
    operator = draw.choice(_BINARY)
    rank = draw.randint(0, 4)
    shape = draw.shape(rank)
    other = [draw.choice([1, size]) for size in shape[draw.randint(0, rank) :]]
    dtype = BOOL if operator in ("And", "Or", "Xor") else draw.choice([FLOAT, FLOAT, INT32, INT64])
    if operator in ("Mean", "PRelu", "Sum"):
        dtype = FLOAT
    attributes = draw.some(fmod=[0, 1]) if operator == "Mod" else {}
    if operator == "Mod" and dtype == FLOAT:
        attributes["fmod"] = 1
    if operator == "BitShift":
        dtype, attributes = UINT8, {"direction": draw.choice(["LEFT", "RIGHT"])}
    return model(operator, [x(shape, dtype), x(other, dtype)], opset=draw.choice([14, 17]), **attributes)


def _clip(draw: Draw) -> bytes:
    dtype, kind = draw.choice([(FLOAT, np.float32), (HALF, np.float16), (INT8, np.int8), (INT32, np.int32)])
    bounds = [draw.choice([NONE, w(value, kind)]) for value in draw.choice([(-1, 2), (0, 6), (3, -2)])]
    while bounds and bounds[-1] is NONE:
        bounds.pop()
    return model("Clip", [x(draw.shape(3), dtype), *bounds], opset=draw.choice([12, 17]))


def _gemm(draw: Draw) -> bytes:
    m, n, k = draw.shape(3)
    turned = draw.some(transA=[0, 1], transB=[0, 1])
    a = (k, m) if turned.get("transA") else (m, k)
    b = (n, k) if turned.get("transB") else (k, n)
    c = draw.choice(
        [
            [],
            [
                draw.choice([w, lambda part: x(part.shape)])(
                    draw.array(*draw.choice([(n,), (m, n), (1, n), (m, 1), ()]))
                )
            ],
        ]
    )
    right = draw.choice([x(b), w(draw.array(*b))])
    return model("Gemm", [x(a), right, *c], opset=17, **turned, **draw.some(alpha=[0.5], beta=[2.0, 0.0]))


def _matmul(draw: Draw) -> bytes:
    m, n, k = draw.shape(3)
    batch = draw.shape(draw.randint(0, 2))
    left = draw.choice([[k], [m, k], [*batch, m, k]])
    right = draw.choice([[k], [k, n], [*[draw.choice([1, size]) for size in batch], k, n]])
    return model("MatMul", [x(left), draw.choice([x(right), w(draw.array(*right))])], opset=17)


def _resize(draw: Draw) -> bytes:
    lengths = draw.shape(2, 3, 6)
    mode = draw.choice(["nearest", "linear", "cubic"])
    attributes = draw.some(
        coordinate_transformation_mode=[
            "half_pixel",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
            "half_pixel_symmetric",
            "tf_half_pixel_for_nn",
        ],
        nearest_mode=["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
        exclude_outside=[0, 1],
        cubic_coeff_a=[-0.5, -0.75],
    )
    if mode != "cubic":
        attributes.pop("exclude_outside", None)
    opset = draw.choice([11, 13, 18, 19])
    sizes = [draw.choice([length, length * 2, length * 3, draw.randint(1, 8)]) for length in lengths]
    if draw.random() < 0.5:
        how = [NONE, NONE, ints(1, 2, *sizes)]
    else:
        how = [NONE, w([1, 1, *(size / length for size, length in zip(sizes, lengths, strict=True))], np.float32)]
    if opset < 13:
        how[0] = w([], np.float32)
        if len(how) == 3:
            how[1] = w([], np.float32)
    if opset >= 18:
        attributes |= draw.some(antialias=[0])
    return model("Resize", [x((1, 2, *lengths)), *how], opset=opset, mode=mode, **attributes)


def _grid_sample(draw: Draw) -> bytes:
    opset = draw.choice([16, 20, 22])
    modes = ["bilinear", "nearest", "bicubic"] if opset < 20 else ["linear", "nearest", "cubic"]
    attributes = draw.some(mode=modes, padding_mode=["zeros", "border", "reflection"], align_corners=[0, 1])
    return model("GridSample", [x((2, 2, *draw.shape(2, 3, 5))), x((2, 3, 4, 2))], opset=opset, **attributes)


def _normal(draw: Draw) -> bytes:
    kind = draw.choice(
        [
            "BatchNormalization",
            "GroupNormalization",
            "InstanceNormalization",
            "LayerNormalization",
            "LRN",
            "LpNormalization",
            "MeanVarianceNormalization",
            "RMSNormalization",
        ]
    )
    shape = [2, 6, *draw.shape(draw.choice([1, 2, 3]), 2, 4)]
    data = x(shape)
    small = draw.some(epsilon=[1e-3])
    if kind == "BatchNormalization":
        weights = [w(draw.array(6)), w(draw.array(6)), w(draw.array(6)), w(draw.array(6, positive=True))]
        return model(kind, [data, *weights], opset=draw.choice([9, 15, 17]), **small)
    if kind == "InstanceNormalization":
        return model(kind, [data, w(draw.array(6)), w(draw.array(6))], opset=17, **small)
    if kind == "GroupNormalization":
        groups, opset = draw.choice([1, 2, 3, 6]), draw.choice([18, 21])
        size = groups if opset == 18 else 6
        return model(kind, [data, w(draw.array(size)), w(draw.array(size))], opset=opset, num_groups=groups, **small)
    if kind in ("LayerNormalization", "RMSNormalization"):
        axis = draw.randint(1, len(shape) - 1)
        scale = [w(draw.array(*shape[axis:]))]
        bias = draw.choice([[], [w(draw.array(*shape[axis:]))]]) if kind[0] == "L" else []
        opset = 17 if kind[0] == "L" else 23
        return model(kind, [data, *scale, *bias], opset=opset, axis=draw.choice([axis, axis - len(shape)]), **small)
    if kind == "LRN":
        return model(kind, [data], size=draw.choice([1, 3, 5]), **draw.some(alpha=[0.3], beta=[0.6], bias=[2.0]))
    if kind == "LpNormalization":
        return model(kind, [data], opset=17, **draw.some(p=[1, 2], axis=[0, 1, -1]))
    return model(kind, [data], opset=13, **draw.some(axes=[[0, 2], [1], [0, 1]]))


def _movement(draw: Draw) -> bytes:
    rank = draw.randint(1, 4)
    shape = draw.shape(rank, 2, 5)
    data = x(shape, draw.choice([FLOAT, FLOAT, INT32, INT64, BOOL]))
    plain = x(shape)
    axis = draw.randint(-rank, rank - 1)
    order = draw.sample(range(rank), rank)
    kind = draw.choice(
        [
            "Transpose",
            "Flatten",
            "Squeeze",
            "Unsqueeze",
            "Concat",
            "Split",
            "Slice",
            "Pad",
            "Tile",
            "Expand",
            "Gather",
            "GatherElements",
            "Reshape",
            "Shape",
            "CumSum",
            "Trilu",
            "EyeLike",
            "Cast",
        ]
    )
    if kind == "Transpose":
        return model(kind, [data], **draw.some(perm=[order]))
    if kind == "Flatten":
        return model(kind, [data], **draw.some(axis=[draw.randint(-rank, rank)]))
    if kind == "Squeeze":
        return model(kind, [x([1, *shape, 1]), *draw.choice([[], [ints(0)], [ints(-1, 0)], [ints(-1)]])])
    if kind == "Unsqueeze":
        return model(kind, [data, ints(*draw.choice([(0,), (-1,), (0, -1), (1, 0)]))])
    if kind == "Concat":
        return model(kind, [plain, plain] if draw.random() < 0.2 else [x(shape), x(shape)], axis=axis)
    if kind == "Split":
        count = shape[axis]
        parts = draw.choice([(1, count - 1), (count - 1, 1)])
        if draw.random() < 0.5:
            return model(kind, [data, ints(*parts)], 2, axis=axis)
        return (
            model(kind, [data], 2, draw.choice([13, 18]), axis=axis)
            if count % 2 == 0
            else model(kind, [data], 2, 18, axis=axis, num_outputs=2)
        )
    if kind == "Slice":
        first, last, step = draw.randint(-6, 5), draw.randint(-6, 6), draw.choice([1, 1, 2, -1, -2])
        return model(kind, [data, ints(first), ints(last), ints(axis), *draw.choice([[], [ints(step)]])])
    if kind == "Pad":
        mode = draw.choice(["constant", "reflect", "edge", "wrap"])
        widths = ints(*[draw.randint(-1 if mode == "constant" else 0, 1) for _ in range(2 * rank)])
        value = draw.choice([[], [w(1.5, np.float32)]]) if mode == "constant" else []
        return model(kind, [plain, widths, *value], opset=19 if mode == "wrap" else 13, mode=mode)
    if kind == "Tile":
        return model(kind, [data, ints(*draw.shape(rank, 1, 3))])
    if kind == "Expand":
        return model(kind, [x([draw.choice([1, size]) for size in shape]), ints(*draw.choice([shape, [2, *shape]]))])
    if kind == "Gather":
        index = np.array(draw.choices(range(-2, 2), k=4)).reshape(draw.choice([(4,), (2, 2), (1, 4)]))
        return model(kind, [data, w(index, np.int64)], axis=axis)
    if kind == "GatherElements":
        index = np.random.default_rng(draw.randrange(99)).integers(-2, 2, [size - 1 for size in shape])
        return model(kind, [data, w(index, np.int64)], axis=axis)
    if kind == "Reshape":
        target = draw.choice([[-1], [0, -1], [1, -1, 1], [*reversed(shape)]])
        return model(kind, [data, ints(*target)], opset=14, **(draw.some(allowzero=[0, 1]) if 0 not in target else {}))
    if kind == "Shape":
        return model(kind, [data], opset=15, **draw.some(start=[0, 1, -1], end=[-1, 2, 9]))
    if kind == "CumSum":
        return model(kind, [plain, w(axis, np.int64)], **draw.some(exclusive=[0, 1], reverse=[0, 1]))
    if kind == "Trilu":
        return model(
            kind, [x([*shape, 4]), *draw.choice([[], [w(draw.randint(-3, 3), np.int64)]])], **draw.some(upper=[0, 1])
        )
    if kind == "EyeLike":
        return model(kind, [x(draw.shape(2, 2))], **draw.some(k=[-1, 0, 1], dtype=[FLOAT, INT32]))
    return model(kind, [data], to=draw.choice([FLOAT, HALF, INT32, INT64, BOOL]))


def _indexed(draw: Draw) -> bytes:
    kind = draw.choice(
        [
            "ScatterElements",
            "ScatterND",
            "GatherND",
            "OneHot",
            "ReverseSequence",
            "DepthToSpace",
            "SpaceToDepth",
            "Where",
            "Einsum",
            "NonZero",
            "Compress",
            "Range",
            "ConstantOfShape",
        ]
    )
    if kind == "ScatterElements":
        index = w([[1, 0, 2], [0, 2, 1]], np.int64)
        return model(kind, [x((3, 3)), index, x((2, 3))], opset=18, **draw.some(axis=[0, 1, -1], reduction=["none"]))
    if kind == "ScatterND":
        return model(kind, [x((4, 3, 2)), w([[2], [0]], np.int64), x((2, 3, 2))], opset=18)
    if kind == "GatherND":
        return model(kind, [x((2, 3, 4)), w([[[1]], [[-1]]], np.int64)], opset=13, **draw.some(batch_dims=[0, 1]))
    if kind == "OneHot":
        indices = w([[0, 2], [1, -1]] if draw.random() < 0.2 else [[0, 2], [1, 1]], np.int64)
        return model(kind, [indices, ints(3), w([0.5, 2], np.float32)], **draw.some(axis=[0, 1, -1, -2]))
    if kind == "ReverseSequence":
        axes = draw.choice([{}, {"batch_axis": 0, "time_axis": 1}, {"batch_axis": 1, "time_axis": 0}])
        batch = 3 if axes.get("batch_axis", 1) == 0 else 4
        return model(kind, [x((3, 4, 2)), w([2, 1, 3, 3][:batch], np.int64)], **axes)
    if kind == "DepthToSpace":
        return model(kind, [x((2, 8, 3, 2))], blocksize=2, **draw.some(mode=["DCR", "CRD"]))
    if kind == "SpaceToDepth":
        return model(kind, [x((2, 3, 4, 6))], blocksize=2)
    if kind == "Where":
        return model(kind, [x((3, 1), BOOL), x((1, 4)), x(draw.choice([(3, 4), (4,), ()]))])
    if kind == "Einsum":
        text, shapes = draw.choice(
            [
                ("ij,jk->ik", [(2, 3), (3, 4)]),
                ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
                ("ij->ji", [(2, 3)]),
                ("ij,ij->", [(2, 3), (2, 3)]),
                ("bhid,bhjd->bhij", [(1, 2, 3, 4), (1, 2, 5, 4)]),
                ("ij,k", [(2, 3), (4,)]),
                ("ba", [(2, 3)]),
                ("ij->j", [(2, 3)]),
            ]
        )
        return model(kind, [x(shape) for shape in shapes], equation=text)
    if kind == "NonZero":
        return model(kind, [x((3, 4))])
    if kind == "Compress":
        return model(kind, [x((3, 4)), w([True, False, True])], axis=0)
    if kind == "Range":
        return model(kind, [w(1.5, np.float32), w(9, np.float32), w(2, np.float32)])
    return model(kind, [ints(2, 3)], **draw.some(value=[helper.make_tensor("v", FLOAT, [1], [2.5])]))


def _recurrent(draw: Draw) -> bytes:
    kind, gates = draw.choice([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    direction = draw.choice(["forward", "reverse", "bidirectional", None])
    ways = 2 if direction == "bidirectional" else 1
    time, batch, width, hidden = 3, 2, 4, 3
    attributes: dict[str, Any] = {"hidden_size": hidden} | ({"direction": direction} if direction else {})
    names = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}[kind]
    if draw.random() < 0.3:
        other = {"Sigmoid": ["Sigmoid", "Tanh", "Relu"], "Tanh": ["Tanh", "Relu", "Softsign", "Sigmoid"]}
        attributes["activations"] = [draw.choice(other[name]) for name in names] * ways
    attributes |= draw.some(clip=[0.5]) if draw.random() < 0.2 else {}
    if kind == "GRU":
        attributes |= draw.some(linear_before_reset=[0, 1])
    if kind == "LSTM" and draw.random() < 0.2:
        attributes["input_forget"] = 1
    layout = int(draw.random() < 0.15)
    if layout:
        attributes["layout"] = 1
    state = (batch, ways, hidden) if layout else (ways, batch, hidden)
    operands = [
        x((batch, time, width) if layout else (time, batch, width)),
        w(draw.array(ways, gates * hidden, width)),
        w(draw.array(ways, gates * hidden, hidden)),
    ]
    operands.append(draw.choice([NONE, w(draw.array(ways, 2 * gates * hidden))]))
    operands.append(draw.choice([NONE, NONE, w([2, 3], np.int32)]))
    operands.append(draw.choice([NONE, x(state)]))
    if kind == "LSTM":
        operands.append(draw.choice([NONE, x(state)]))
        operands.append(draw.choice([NONE, w(draw.array(ways, 3 * hidden))]))
    while operands[-1] is NONE:
        operands.pop()
    return model(kind, operands, 3 if kind == "LSTM" else 2, 14, **attributes)


def _quantized(draw: Draw) -> bytes:
    shape = (2, 4, 3)
    channels = draw.random() < 0.5
    scale = np.abs(draw.array(4)) * 0.1 + 0.05 if channels else np.float32(0.1)
    zero = np.zeros(np.shape(scale), np.int8)
    attributes = {"axis": 1} if channels else {}
    if draw.random() < 0.5:
        return model("QuantizeLinear", [x(shape), w(scale), w(zero)], opset=draw.choice([13, 19, 21]), **attributes)
    return model("DequantizeLinear", [x(shape, INT8), w(scale), w(zero)], opset=draw.choice([13, 19, 21]), **attributes)


_KINDS: dict[str, Callable[[Draw], bytes]] = {
    "arg": _arg,
    "binary": _binary,
    "clip": _clip,
    "conv": _conv,
    "conv transpose": _conv_transpose,
    "gemm": _gemm,
    "global pool": _global_pool,
    "grid sample": _grid_sample,
    "indexed": _indexed,
    "matmul": _matmul,
    "movement": _movement,
    "normal": _normal,
    "pool": _pool,
    "quantized": _quantized,
    "recurrent": _recurrent,
    "reduce": _reduce,
    "resize": _resize,
    "softmax": _softmax,
    "top k": _top_k,
    "unary": _unary,
}


def halved(content: bytes) -> bytes:
    """The model with FP16 in the place of FP32: importers make constants of the type of the data, or mean to."""
    made = onnx.load_model_from_string(content)
    operator = made.graph.node[0].op_type
    for value in made.graph.input:
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = HALF
    for weight in made.graph.initializer:
        if weight.data_type == FLOAT and not (operator == "Resize" and weight.name in ("i1", "i2")):
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name))
    for value in made.graph.output:
        value.type.Clear()
    return bytes(onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True).SerializeToString())


def variants(count: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """So many models of each kind, and a third of them in FP16 as well; what ONNX itself refuses is left out."""
    for kind, make in _KINDS.items():
        for seed in range(first, first + count):
            try:
                content = make(Draw(f"{kind} {seed}"))
                yield f"{kind} {seed}", content
                if seed % 3 == 0:
                    yield f"{kind} {seed} half", halved(content)
            except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError):
                continue

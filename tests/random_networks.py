"""Random networks of what goes wrong when graphs are rewritten: movement, arithmetic, masks, functions, old files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.random import Generator
from onnx import TensorProto, helper, numpy_helper

OPSETS = (9, 10, 11, 12, 13, 14, 17, 18, 21)
LOWEST = float(np.finfo(np.float32).min)


@dataclass
class Network:
    """A network that grows at its last value."""

    random: Generator
    opset: int
    shape: tuple[int, ...]
    value: str = "x"
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    functions: list[Any] = field(default_factory=list)
    earlier: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def add(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [name], **attributes))
        return name

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def floats(self, *shape: int, scale: float = 1.0) -> str:
        return self.constant((scale * self.random.standard_normal(shape)).astype(np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def step(self, op_type: str, *operands: str, **attributes: Any) -> None:
        """Apply an operator that keeps the shape."""
        self.value = self.add(op_type, [self.value, *operands], **attributes)

    def any_of(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    @property
    def axis(self) -> int:
        return int(self.random.integers(len(self.shape)))


def _transpose(net: Network) -> None:
    order = [int(axis) for axis in net.random.permutation(len(net.shape))]
    net.step("Transpose", perm=order)
    net.shape = tuple(net.shape[axis] for axis in order)


def _reshape(net: Network) -> None:
    flat, rank = int(np.prod(net.shape)), int(net.random.integers(1, 5))
    dims = []
    for _ in range(rank - 1):
        divisors = [size for size in range(1, flat + 1) if flat % size == 0]
        dims.append(net.any_of(*divisors))
        flat //= dims[-1]
    net.shape = (*dims, flat)
    net.step("Reshape", net.integers(*net.shape))


def _slice(net: Network) -> None:
    axis = net.axis
    size = net.shape[axis]
    reverse = net.random.random() < 0.5 and net.opset >= 10
    start, end = (size - 1, -(2**31)) if reverse else (int(net.random.integers(size)), size)
    if net.opset < 10:
        net.step("Slice", starts=[start], ends=[end], axes=[axis])
    else:
        net.step("Slice", *(net.integers(number) for number in (start, end, axis, -1 if reverse else 1)))
    net.shape = (*net.shape[:axis], size if reverse else size - start, *net.shape[axis + 1 :])


def _gather(net: Network) -> None:
    axis = net.axis
    indices = [int(index) for index in net.random.integers(net.shape[axis], size=int(net.random.integers(1, 5)))]
    net.step("Gather", net.integers(*indices), axis=axis)
    net.shape = (*net.shape[:axis], len(indices), *net.shape[axis + 1 :])


def _gather_scalar(net: Network) -> None:
    if len(net.shape) > 1:
        axis = net.axis
        net.step("Gather", net.constant(np.array(0, np.int64)), axis=axis)
        net.shape = (*net.shape[:axis], *net.shape[axis + 1 :])


def _pad(net: Network) -> None:
    pads = [int(amount) for amount in net.random.integers(0, 2, 2 * len(net.shape))]
    filler = net.any_of(0.0, 0.0, 1.5, -np.inf)
    if net.opset < 11:
        net.step("Pad", pads=pads, value=float(filler))
    else:
        net.step("Pad", net.integers(*pads), net.constant(np.float32(filler)))
    rank = len(net.shape)
    net.shape = tuple(size + pads[axis] + pads[axis + rank] for axis, size in enumerate(net.shape))


def _concat(net: Network) -> None:
    axis = net.axis
    net.value = net.add("Concat", [net.value, net.value, net.floats(*net.shape)][net.any_of(0, 1) :], axis=axis)
    count = len(net.nodes[-1].input)
    net.shape = (*net.shape[:axis], count * net.shape[axis], *net.shape[axis + 1 :])


def _repeat(net: Network) -> None:
    axis = net.axis
    if net.shape[axis] == 1:
        target = [3 if other == axis else size for other, size in enumerate(net.shape)]
        net.step("Expand", net.integers(*target))
    else:
        net.step("Tile", net.integers(*(2 if other == axis else 1 for other in range(len(net.shape)))))
        target = [2 * size if other == axis else size for other, size in enumerate(net.shape)]
    net.shape = tuple(target)


def _unary(net: Network) -> None:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("Relu", {}), ("LeakyRelu", {"alpha": 0.2}), ("Sigmoid", {}), ("Tanh", {}), ("Abs", {}), ("Neg", {}),
        ("Erf", {}), ("Softplus", {}), ("Elu", {}), ("HardSigmoid", {}), ("Exp", {}), ("Identity", {}),
    ]  # fmt: skip
    op_type, attributes = net.any_of(*kinds)
    net.step(op_type, **attributes)


def _clip(net: Network) -> None:
    low, high = net.any_of((0.0, 6.0), (-1.0, 1.0), (-0.5, 3.0))
    if net.opset < 11:
        net.step("Clip", min=low, max=high)
    else:
        net.step("Clip", net.constant(np.float32(low)), net.constant(np.float32(high)))


def _with_constant(net: Network) -> None:
    shape = tuple(size if net.random.random() < 0.5 else 1 for size in net.shape)
    net.step(net.any_of("Add", "Sub", "Mul", "Add", "Mul"), net.floats(*net.any_of(shape, net.shape, ())))


def _divided(net: Network) -> None:
    net.step("Div", net.constant(np.float32(net.any_of(2.0, 0.3, -7.0))))


def _with_earlier(net: Network) -> None:
    same = [name for name, shape in net.earlier if shape == net.shape]
    if same:
        net.step(net.any_of("Add", "Mul", "Max", "Min", "Sub"), net.any_of(*same))


def _logarithm(net: Network) -> None:
    net.step("Abs")
    if net.random.random() < 0.5:
        net.step("Add", net.constant(np.float32(1e-3)))
    net.step(net.any_of("Log", "Sqrt", "Reciprocal"))


def _reduce(net: Network) -> None:
    axis, op_type = net.axis, net.any_of("ReduceMean", "ReduceMax", "ReduceSum", "ReduceMin", "ReduceL2")
    if net.opset >= 18 or (net.opset >= 13 and op_type == "ReduceSum"):
        net.step(op_type, net.integers(axis), keepdims=1)
    else:
        net.step(op_type, axes=[axis], keepdims=1)
    net.shape = (*net.shape[:axis], 1, *net.shape[axis + 1 :])


def _softmax(net: Network) -> None:
    net.step(net.any_of("Softmax", "Softmax", "LogSoftmax", "Hardmax"), axis=net.axis)


def _product(net: Network) -> None:
    out = int(net.random.integers(1, 6))
    net.step("MatMul", net.floats(net.shape[-1], out, scale=0.5))
    net.shape = (*net.shape[:-1], out)


def _window(net: Network) -> None:
    if len(net.shape) != 4:
        return
    _, channels, height, width = net.shape
    kind = net.any_of("Conv", "MaxPool", "AveragePool", "GlobalAveragePool")
    if kind == "GlobalAveragePool":
        net.step(kind)
        net.shape = (*net.shape[:2], 1, 1)
    elif kind == "Conv":
        out = int(net.random.integers(1, 5))
        net.step(kind, net.floats(out, channels, 3, 3, scale=0.3), net.floats(out), pads=[1, 1, 1, 1])
        net.shape = (net.shape[0], out, height, width)
    elif min(height, width) > 1:
        net.step(kind, kernel_shape=[2, 2])
        net.shape = (*net.shape[:2], height - 1, width - 1)


def _resample(net: Network) -> None:
    if len(net.shape) != 4:
        return
    scales = net.constant(np.array([1, 1, net.any_of(2, 3, 1.5), 2], np.float32))
    mode = net.any_of("nearest", "linear")
    if net.opset < 10:
        net.step("Upsample", scales, mode=mode)
    elif net.opset < 11:
        net.step("Resize", scales, mode=mode)
    else:
        net.step("Resize", "", scales, mode=mode)
    factors = net.constants[scales]
    net.shape = tuple(int(np.floor(size * factor)) for size, factor in zip(net.shape, factors, strict=True))


def _group_norm(net: Network) -> None:
    if len(net.shape) == 4 and net.opset >= 18 and net.shape[1] % 2 == 0:
        size = 2 if net.opset < 21 else net.shape[1]
        net.step("GroupNormalization", net.floats(size), net.floats(size), num_groups=2)


def _mask(net: Network) -> None:
    """A constant mask of infinities, the lowest number or a large one, added or chosen."""
    lowest = net.any_of(-np.inf, -np.inf, LOWEST, -1e4, np.inf)
    shape = net.any_of(net.shape, (net.shape[-1],))
    hidden = net.random.random(shape) < 0.4
    if net.random.random() < 0.5:
        net.step("Add", net.constant(np.where(hidden, lowest, 0).astype(np.float32)))
    else:
        net.value = net.add("Where", [net.constant(hidden), net.constant(np.float32(lowest)), net.value])
    if net.random.random() < 0.6:
        net.step("Softmax", axis=len(net.shape) - 1)


def _length_mask(net: Network) -> None:
    """A mask that depends on a length, and a guard for rows of which nothing is left."""
    name = f"n{len(net.inputs)}"
    net.inputs[name] = TensorProto.INT64, (1,)
    seen = net.add("Less", [net.constant(np.arange(net.shape[-1])), name])
    lowest = net.constant(np.float32(net.any_of(-np.inf, -np.inf, LOWEST)))
    added = net.add("Where", [seen, net.constant(np.float32(0)), lowest])
    net.step("Add", added)
    largest = net.value
    net.step("Softmax", axis=len(net.shape) - 1)
    guard = net.any_of("", "IsNaN", "Equal")
    zero = net.constant(np.float32(0))
    if guard == "IsNaN":
        net.value = net.add("Where", [net.add("IsNaN", [net.value]), zero, net.value])
    elif guard == "Equal" and net.opset >= 11:
        axes: dict[str, Any] = {"axes": [len(net.shape) - 1]} if net.opset < 18 else {}
        operands = [largest] if axes else [largest, net.integers(len(net.shape) - 1)]
        top = net.add("ReduceMax", operands, keepdims=1, **axes)
        net.value = net.add("Where", [net.add("Equal", [top, lowest]), zero, net.value])


def _filled(net: Network) -> None:
    """A tensor of infinities that is made on the way."""
    value = numpy_helper.from_array(np.array([net.any_of(-np.inf, np.inf, 0.5)], np.float32))
    filled = net.add("ConstantOfShape", [net.integers(*net.shape)], value=value)
    net.step(net.any_of("Max", "Min", "Add", "Mul"), filled)


def _function(net: Network) -> None:
    """A call of a local function with a default that is used, or not, also through another function."""
    number = len(net.functions)
    opsets = [helper.make_opsetid("", net.opset), helper.make_opsetid("local", 1)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["b"])
    leaky.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="alpha")
    default = helper.make_attribute("alpha", float(net.any_of(0.7, -0.5)))
    inner = helper.make_function("local", f"f{number}", ["a"], ["b"], [leaky], opsets, attribute_protos=[default])
    call = helper.make_node(inner.name, ["p"], ["q"], domain="local")
    outer = helper.make_function(
        "local", f"g{number}", ["p"], ["r"], [call, helper.make_node("Neg", ["q"], ["r"])], opsets
    )
    net.functions += [inner, outer]
    given = {} if net.random.random() < 0.5 else {"alpha": 0.25}
    if net.random.random() < 0.5:
        net.step(inner.name, domain="local", **given)
    else:
        net.step(outer.name, domain="local")


_STEPS: tuple[Callable[[Network], None], ...] = (
    _transpose, _transpose, _reshape, _slice, _gather, _gather_scalar, _pad, _concat, _repeat, _unary, _unary, _unary,
    _clip, _with_constant, _with_constant, _divided, _with_earlier, _with_earlier, _logarithm, _reduce, _reduce,
    _softmax, _product, _window, _window, _resample, _group_norm, _mask, _mask, _length_mask, _filled, _function,
)  # fmt: skip
_LARGEST = 4096


def random_network(seed: int) -> tuple[onnx.ModelProto, int | None]:
    """A model that passes the checker, and the operator set that it is to be converted to, if any."""
    random = np.random.default_rng(seed)
    opset = int(random.choice(OPSETS))
    shape = [(1, 4, 4, 4), (1, 3, 5, 4), (1, 6, 8), (2, 6), (1, 8, 2, 2)][int(random.integers(5))]
    net = Network(random, opset, shape)
    net.inputs["x"] = TensorProto.FLOAT, shape
    for _ in range(int(random.integers(1, 9))):
        before = net.value, net.shape
        net.any_of(*_STEPS)(net)
        if net.value == before[0] or np.prod(net.shape) > _LARGEST or not net.shape:
            net.value, net.shape = before
        else:
            net.earlier.append(before)
    if random.random() < 0.2 and len(net.shape) > 1:  # a score beside coordinates
        net.value = net.add("Concat", [net.value, net.add("Mul", [net.value, net.constant(np.float32(640))])], axis=1)
        net.shape = (net.shape[0], 2 * net.shape[1], *net.shape[2:])
    target = int(random.choice(OPSETS)) if random.random() < 0.25 else None
    return _model(net), target


def _model(net: Network) -> onnx.ModelProto:
    if not net.nodes:
        net.step("Relu")
    net.nodes.append(helper.make_node("Identity", [net.value], ["y"]))
    old = net.random.random() < 0.25 and not net.functions
    tensors = [numpy_helper.from_array(array, name) for name, array in net.constants.items()]
    inputs = [helper.make_tensor_value_info(name, *what) for name, what in net.inputs.items()]
    if old or net.random.random() < 0.1:  # as defaults, which the first versions of the format ask for
        inputs += [helper.make_tensor_value_info(one.name, one.data_type, one.dims) for one in tensors]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, net.shape)]
    graph = helper.make_graph(net.nodes, "g", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", net.opset)] + [helper.make_opsetid("local", 1)] * bool(net.functions)
    return helper.make_model(graph, opset_imports=opsets, functions=net.functions, ir_version=3 if old else 8)

"""Rows 91 to 108: inputs that the program once got wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from case_files import model_from_text

from recipes.case import BY_THE_RULES, CONFIGURATION, NEVER_A_PASS, UNREADABLE, Case, edited, of_bytes, of_text
from recipes.functions import many_calls, overload_bomb

_PROFILES = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
_CONV = "(float[1,8,9,9] x) => (float[1,8,7,7] y) {{ y = Conv<kernel_shape = [3, 3]{more}>(x, w{bias}) }}"
MISFITS: dict[str, tuple[str, dict[str, str]]] = {
    "bias of 7": (_CONV.format(more="", bias=", b"), {"w": "float[8,8,3,3]", "b": "float[7]"}),
    "bias of 1": (_CONV.format(more="", bias=", b"), {"w": "float[8,8,3,3]", "b": "float[1]"}),
    "5 channels of 8": (_CONV.format(more="", bias=""), {"w": "float[8,5,3,3]"}),
    "9 outputs in 2 groups": (_CONV.format(more=", group = 2", bias=""), {"w": "float[9,4,3,3]"}),
    "3 groups of 3 channels": (_CONV.format(more=", group = 3", bias=""), {"w": "float[9,3,3,3]"}),
    "bias of a deconvolution": (
        "(float[1,8,9,9] x) => (y) { y = ConvTranspose(x, w, b) }", {"w": "float[8,4,3,3]", "b": "float[7]"},
    ),
    "channels of a deconvolution": (
        "(float[1,8,9,9] x) => (y) { y = ConvTranspose(x, w) }", {"w": "float[5,4,3,3]"},
    ),
    "addend of a product": (
        "(float[2,3] x) => (float[2,4] y) { y = Gemm(x, w, c) }", {"w": "float[3,4]", "c": "float[3]"},
    ),
    "slopes of PRelu": ("(float[1,8,9,9] x) => (float[1,8,9,9] y) { y = PRelu(x, s) }", {"s": "float[5,1,1]"}),
    "two element types": ("(float[1,8,9,9] x, float16[1,8,9,9] z) => (float[1,8,9,9] y) { y = Mul(x, z) }", {}),
    "shape of other volume": (
        "(float[1,8,9,9] x) => (float[1,7,9,9] y) <int64[4] s = {1, 7, 9, 9}> { y = Reshape(x, s) }", {},
    ),
    "wrong number of outputs": ("(float[1,8,9,9] x) => (float[1,8,9,9] y) { y, z, q = Relu(x) }", {}),
}  # fmt: skip


def cases() -> Iterator[Case]:
    """Every sub-case."""
    for name, (text, weights) in MISFITS.items():
        for profile in _PROFILES:
            yield of_text(
                91, f"{name} under {profile}", text, NEVER_A_PASS, weights=weights,
                command=("audit", "m.onnx", "--profile", profile),
            )  # fmt: skip
    yield edited(91, "no output", lambda model: model.graph.ClearField("output"), UNREADABLE, "SC-MODEL-OUTPUT")
    yield edited(91, "output without a type", lambda model: model.graph.output[0].ClearField("type"), UNREADABLE,
                 "SC-MODEL-OUTPUT")  # fmt: skip
    yield edited(91, "output of element type 0",
                 lambda model: setattr(model.graph.output[0].type.tensor_type, "elem_type", 0), UNREADABLE,
                 "SC-MODEL-OUTPUT")  # fmt: skip
    text = f"(int64[{2**31}] x) => (float[{2**31}] y) {{ y = Cast<to = 1>(x) }}"
    yield of_text(92, "a vector of 2^31", text, NEVER_A_PASS)
    text = f"(int64[0] x) => (y) <int64 n = {{{2**29}}}, float[2] v = {{0, 1}}> {{ y = OneHot(x, n, v) }}"
    yield of_text(93, "OneHot of no elements", text, BY_THE_RULES)
    for command in (("audit", "m.onnx"), ("fix", "m.onnx", "--dry-run")):
        yield of_bytes(94, f"overloads, {command[0]}", overload_bomb, UNREADABLE, "SC-LIM-EXPAND", command)
        yield of_bytes(94, f"many calls, {command[0]}", many_calls, UNREADABLE, "SC-LIM-EXPAND", command)
        yield of_bytes(94, f"an overload that calls itself, {command[0]}", _recursive, UNREADABLE,
                       "SC-MODEL-FUNCCYCLE", command)  # fmt: skip
    for command in (("audit", "m.onnx"), ("fix", "m.onnx", "--dry-run")):
        yield Case(95, f"operator set, {command[0]}", _spoilt, UNREADABLE, "SC-PB-UTF8", command)
    fix = ("fix", "m.onnx", "-o", "o.onnx", "--limit-time", "10", "--limit-memory", "2000")
    yield of_bytes(96, "a loop without an end", partial(_text, _LOOP), NEVER_A_PASS, "", fix, large=True)
    large = "(float[1,3,40000,40000] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }"
    yield of_text(96, "a huge input", large, NEVER_A_PASS, "", command=fix, large=True)
    for command in (("audit", "m.onnx"), ("fix", "m.onnx", "-o", "o.onnx")):
        yield of_bytes(99, f"more operands than parameters, {command[0]}", _overfull, UNREADABLE, "", command)
        yield of_bytes(100, f"terminal codes, {command[0]}", _named_branch, UNREADABLE, r"\\x1b\[2Jbranch", command)
    for kind in ("Elu", "Neg"):
        text = f"(float[2,2] x) => (y) <int64[2] c = {{2, 2}}> {{ e = {kind}(c) {_FOLDED} y = Add(x, f) }}"
        yield of_text(103, f"behind {kind}", text, NEVER_A_PASS)
    text = '(float["q"] x, float[2,3] z) => (y) { y = Add(x, z) }'
    yield edited(105, "a dimension", _reversed, UNREADABLE, r"\\u202e", text=text.replace('"q"', "q, 5"))
    for command in (("audit", "m.onnx", "--profile", _PROFILES[1]), ("fix", "m.onnx", "-o", "o.onnx")):
        for name, (operands, node) in FORBIDDEN_INSIDE.items():
            made = partial(_called, operands, node)
            yield of_bytes(106, f"{name}, {command[0]}", made, UNREADABLE, "SC-ONNX", command)
    for kind in ("GatherND", "If", "SplitToSequence", "AveragePool", "Identity"):
        yield edited(108, kind, partial(_foreign, kind), NEVER_A_PASS, "", command=("fix", "m.onnx", "-o", "o.onnx"))
    for name, content in CONFIGURATIONS.items():
        made = partial(_repository, name.partition(" ")[0], content)
        yield Case(101, name, made, CONFIGURATION, "SC-CFG-CONFIG")


def _foreign(kind: str, model: Any) -> None:
    """An operator of somebody's own under a name of ONNX's, with too few operands for that."""
    model.opset_import.add(domain="com.foo", version=1)
    model.graph.node[0].op_type, model.graph.node[0].domain = kind, "com.foo"
    del model.graph.node[0].input[1:]


FORBIDDEN_INSIDE = {
    "weights of rank 1": ("float[1,2,9,9] x, float[36] w", "y = Conv<kernel_shape = [3, 3], strides = [8, 8]>(x, w)"),
    "weights of another group": ("float[1,2,9,9] x, float[4,3,3,3] w", "y = Conv(x, w)"),
    "factors that do not fit": ("float[2,3] x, float[4,5] w", "y = MatMul(x, w)"),
    "shapes that do not stretch": ("float[2,3] x, float[4,5] w", "y = Add(x, w)"),
    "a permutation of another rank": ("float[2,3] x, float[2] w", "y = Transpose<perm = [0, 2, 1]>(x)"),
    "a pool over a matrix": ("float[2,3] x, float[2] w", "y = MaxPool<kernel_shape = [2]>(x)"),
}
"""What stands in a function: operands by their types, and a node that ONNX forbids about them."""


def _called(operands: str, node: str) -> bytes:
    from onnx import ModelProto, helper, parser

    function = parser.parse_function(f'<opset_import: ["" : 17], domain: "com.x"> F (x, w) => (y) {{ {node} }}')
    model = ModelProto.FromString(_text(f"({operands}) => (y) {{ y = Add(x, w) }}"))
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.x", "F"
    return bytes(model.SerializeToString())


def _reversed(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "\u202e"


_FOLDED = "r = Reshape(e, c) s = Add(r, c) f = Cast<to = 1>(s)"
_TABLE = "[tool.safecheck]\njobs = 2\n[other]\n"
CONFIGURATIONS: dict[str, str] = {
    "pyproject.toml with a key of 500,000 parts": f"{_TABLE}{'.'.join(['a'] * 500_000)} = 1\n",
    "pyproject.toml with a table of 3,000 parts": f"{_TABLE}[{'.'.join(['a'] * 3000)}]\n",
    "pyproject.toml with lists in lists": f"{_TABLE}x = {'[' * 100_000}\n",
    "pyproject.toml with tables in tables": f"{_TABLE}x = {'{a = ' * 10_000}1{'}' * 10_000}\n",
    ".safecheck.yaml with 50,000 patterns": f"exclude: [{', '.join(['x*'] * 50_000)}]\n",
    ".safecheck.yaml with 50,000 paths": f"paths: [{', '.join(['m.onnx'] * 50_000)}]\n",
    ".safecheck.yaml with 20,000 targets": "per-path:\n" + "".join(f"  x{n}: y\n" for n in range(20_000)),
}


def _repository(name: str, content: str, folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "m.onnx").write_bytes(_text("(float[1,4] x) => (float[1,4] y) { y = Sigmoid(x) }"))
    (folder / name).write_text(content)


def _overfull() -> bytes:
    """A call that hands a function two values where it has one parameter."""
    from onnx import ModelProto, helper

    model = ModelProto.FromString(_text("(float[1,4] x) => (float[1,4] y) { y = Sigmoid(x, x) }"))
    node = helper.make_node("Sigmoid", ["v"], ["w"])
    model.functions.append(helper.make_function("com.x", "F", ["v"], ["w"], [node], [helper.make_opsetid("", 17)]))
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.x", "F"
    return bytes(model.SerializeToString())


def _named_branch() -> bytes:
    """A graph under a name of somebody's own, in which something is wrong."""
    from onnx import ModelProto

    text = """(bool c, float[4] x) => (y) {
      y = If (c) <then_branch = g1 () => (a) { a = Sigmoid(x) }, else_branch = g2 () => (b) { b = Sigmoid(gone) }> }"""
    model = ModelProto.FromString(_text(text))
    for attribute in model.graph.node[0].attribute:
        attribute.name = "\x1b[2Jbranch\n"
        attribute.name += attribute.g.name
    return bytes(model.SerializeToString())


_LOOP = f"""(float[1,4] x) => (y) <int64 n = {{{2**62}}}, bool t = {{1}}> {{
  y = Loop (n, t, x) <
    body = b (int64 i, bool k, float[1,4] v) => (bool k2, float[1,4] w) {{ k2 = Identity(k) w = Sigmoid(v) }}
  > }}"""


def _text(text: str) -> bytes:
    return bytes(model_from_text(text).SerializeToString())


def _recursive() -> bytes:
    """A function that calls an overload of its own name, which calls it."""
    from onnx import ModelProto, helper

    model = ModelProto.FromString(_text("(float[1,4] x) => (float[1,4] y) { y = Sigmoid(x) }"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.x", 1)]
    for own, other in (("", "a"), ("a", "")):
        call = helper.make_node("F", ["v"], ["w"], domain="com.x", overload=other)
        model.functions.append(helper.make_function("com.x", "F", ["v"], ["w"], [call], opsets, overload=own))
    model.opset_import.append(helper.make_opsetid("com.x", 1))
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.x", "F"
    model.ir_version = 10
    return bytes(model.SerializeToString())


def _spoilt(folder: Path) -> None:
    model = model_from_text("(float[4,8,6,6] x) => (y) { y = Sigmoid(x) }")
    model.opset_import.add(domain="QQQQ", version=1)
    (folder / "m.onnx").write_bytes(model.SerializeToString().replace(b"QQQQ", b"\xff\xfe\xc0\x80"))

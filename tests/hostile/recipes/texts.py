"""Rows 16 to 24: texts and depth of the message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from case_files import model_from_text
from onnx import TensorProto, helper
from wire_format import field
from workflow_repo import ALLOWED

from recipes.case import BY_THE_RULES, NEVER_A_PASS, REFUSED, UNREADABLE, Case, edited, of_bytes

_MARK = "QQQQQQQQ"
_BAD = b"\xff\xfe\xfd\xfc\xc0\x80QQ"


def cases() -> Iterator[Case]:
    """Every sub-case."""
    for row, name, change in (
        (16, "name of a node", lambda model: _set(model.graph.node[0], "name")),
        (16, "name of the graph", lambda model: _set(model.graph, "name")),
        (16, "producer", lambda model: _set(model, "producer_name")),
        (17, "operator", lambda model: _set(model.graph.node[0], "op_type")),
        (17, "domain", lambda model: _set(model.graph.node[0], "domain")),
        (17, "attribute", lambda model: model.graph.node[0].attribute.add(name=_MARK, i=1, type=2)),
        (17, "operator set", lambda model: model.opset_import.add(domain=_MARK, version=1)),
        (17, "key of external data", partial(_external, _MARK, "w")),
        (17, "value of external data", partial(_external, "location", _MARK)),
        (17, "metadata", lambda model: model.metadata_props.add(key=_MARK)),
    ):
        yield of_bytes(row, name, partial(_spoilt, change), UNREADABLE, "SC-PB-UTF8")
    yield from _nul()
    yield from _long()
    yield from _odd_letters()
    yield from _deep()
    yield from _heavy()


def _set(message: Any, name: str) -> None:
    setattr(message, name, _MARK)


def _external(key: str, value: str, model: Any) -> None:
    tensor = model.graph.initializer.add(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key=key, value=value)


def _spoilt(change: Callable[[Any], object]) -> bytes:
    model = model_from_text(ALLOWED)
    change(model)
    return bytes(model.SerializeToString().replace(_MARK.encode(), _BAD))


def _nul() -> Iterator[Case]:
    def rename(model: Any) -> None:
        model.graph.node[0].output[0] = model.graph.node[1].input[1] = "a\0b"

    yield edited(18, "value", rename, BY_THE_RULES)
    yield edited(18, "name of a node", lambda model: setattr(model.graph.node[0], "name", "a\0b"), BY_THE_RULES)
    for op_type in ("Sigmoid\0", "\0Sigmoid", "Sig\0moid", "Sigmoid\0Erf"):
        yield edited(18, f"operator {op_type!r}", partial(_operator, op_type), NEVER_A_PASS)
    for domain in ("\0", "ai.onnx\0", "\0ai.onnx"):
        yield edited(18, f"domain {domain!r}", partial(_domain, domain), NEVER_A_PASS)


def _operator(op_type: str, model: Any) -> None:
    model.graph.node[0].op_type = op_type


def _domain(domain: str, model: Any) -> None:
    model.graph.node[0].domain = domain
    model.opset_import.add(domain=domain, version=1)


def _long() -> Iterator[Case]:
    long = "n" * (16 << 20)
    yield edited(19, "name of 16 MiB", lambda model: setattr(model.graph.node[0], "name", long), BY_THE_RULES)
    yield edited(19, "operator of 16 MiB", partial(_operator, long), NEVER_A_PASS)

    def values(model: Any) -> None:
        model.graph.node[0].output[0] = model.graph.node[1].input[1] = long

    yield edited(19, "value of 16 MiB", values, BY_THE_RULES)

    def many(count: int) -> bytes:
        name = "n" * 1015
        return _graph([field(11, field(1, f"{name}{number:09}".encode())) for number in range(count)])

    for count, says in ((120_000, "SC-LIM-FINDINGS"), (300_000, "SC-LIM-STRING")):
        name = f"{count:,} inputs with names of 1 KiB"
        yield of_bytes(19, name, partial(many, count), UNREADABLE, says, large=True)


def _graph(fields: list[bytes]) -> bytes:
    """The good model whose graph has more fields."""
    model = model_from_text(ALLOWED)
    graph = model.graph.SerializeToString() + b"".join(fields)
    model.ClearField("graph")
    return bytes(model.SerializeToString() + field(7, graph))


def _odd_letters() -> Iterator[Case]:
    for name in ("\u0421onv", "\u0405igmoid", "Sigmoid\u0301", "Si\u200bgmoid", "\uff33igmoid", "sigmoid", "Sigmoid "):
        yield edited(20, f"operator {name!a}", partial(_operator, name), NEVER_A_PASS)

    def twins(model: Any) -> None:
        first, second = "\u00e9", "e\u0301"
        model.graph.node[0].output[0] = first
        model.graph.node[1].input[1] = second

    yield edited(20, "names that are equal after normalisation", twins, UNREADABLE, "SC-MODEL-(DANGLING|ORDER)")
    yield edited(
        20, "a pile of marks", lambda model: setattr(model.graph.node[0], "name", "e" + "\u0301" * 5000), BY_THE_RULES
    )
    yield edited(
        20, "no characters", lambda model: setattr(model.graph.node[0], "name", "\ufffe\U0001ffff"), BY_THE_RULES
    )
    for name in ("a\u202eb", "\u2066a\u2069", "\u200f"):
        yield of_bytes(
            21, f"name {name!a}", partial(_named_node, name), REFUSED, ascii(name)[1:-1].replace("\\", r"\\")
        )


def _named_node(name: str) -> bytes:
    model = model_from_text("(float[4,8,6,6] x) => (y) { y = ReduceMean(x) }")
    model.graph.node[0].name = name
    return bytes(model.SerializeToString())


def _deep() -> Iterator[Case]:
    for levels in (25, 30):
        yield of_bytes(22, f"{levels} nested If", partial(_nested, levels), NEVER_A_PASS)
    for levels in (33, 60, 200, 2000):
        yield of_bytes(
            22,
            f"{levels} nested messages",
            partial(_nested_bytes, levels),
            UNREADABLE,
            "SC-(LIM-DEPTH|PB-WIRE|MODEL-DANGLING)",
        )

    def sequence(model: Any) -> None:
        kind = model.graph.input.add(name="s").type
        for _ in range(60):
            kind = kind.sequence_type.elem_type
        kind.tensor_type.elem_type = 1

    yield edited(22, "type nested 60 times", sequence, NEVER_A_PASS)


def _nested(levels: int) -> bytes:
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y0"])], "g", [], [_value("y0")])
    for level in range(levels):
        node = helper.make_node("If", ["c"], [f"y{level + 1}"], then_branch=graph, else_branch=_leaf(level))
        graph = helper.make_graph([node], f"g{level}", [], [_value(f"y{level + 1}")])
    model = model_from_text("(float[4] x, bool c) => (float[4] y) { y = Identity(x) }")
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.extend(graph.node)
    model.graph.output.extend(graph.output)
    return bytes(model.SerializeToString())


def _leaf(level: int) -> Any:
    return helper.make_graph([helper.make_node("Identity", ["x"], [f"e{level}"])], "e", [], [_value(f"e{level}")])


def _value(name: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])


def _nested_bytes(levels: int) -> bytes:
    """Deeper than the library can write: graph in attribute in node in graph."""
    graph = b""
    for _ in range(levels):
        graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(20, 5) + field(6, graph)))
    output = field(12, field(1, b"y") + field(2, field(1, field(1, 1))))
    return field(1, 8) + field(7, graph + output) + field(8, field(2, 17))


def _heavy() -> Iterator[Case]:
    yield edited(24, "doc_string of 64 MiB", lambda model: setattr(model, "doc_string", "d" * (64 << 20)), BY_THE_RULES)
    yield of_bytes(24, "doc_string of 500 MiB", lambda: model_from_text(ALLOWED).SerializeToString() + field(6, b"d" * (500 << 20)),
                   UNREADABLE, "SC-LIM-STRING", large=True)  # fmt: skip
    yield of_bytes(24, "doc_string of 600 MiB", lambda: model_from_text(ALLOWED).SerializeToString() + field(6, b"d" * (600 << 20)),
                   UNREADABLE, "SC-LIM-STRING", large=True)  # fmt: skip

    def metadata() -> bytes:
        entries = (field(14, field(1, b"%d" % number) + field(2, b"v")) for number in range(1_000_000))
        return model_from_text(ALLOWED).SerializeToString() + b"".join(entries)

    yield of_bytes(24, "a million metadata", metadata, NEVER_A_PASS | {0}, large=True)

    def twice(model: Any) -> None:
        for value in ("a", "b"):
            model.metadata_props.add(key="k", value=value)

    yield edited(24, "a key twice", twice, UNREADABLE, "SC-MODEL-METADATA")

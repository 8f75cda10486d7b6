"""The stripped copy must mean what the original means, for every encoding that protobuf's parser accepts."""

from __future__ import annotations

import mmap
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_format import field, varint

from safecheck import limits
from safecheck.errors import InputError
from safecheck.intake import layout, wire
from safecheck.intake.onnx_library import messages
from safecheck.intake.wire import MARKER_KEY, Stripped, marker_index

PB = messages()
EXAMPLES = int(os.environ.get("SAFECHECK_EXAMPLES", "20"))
BOUNDED = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
THRESHOLD = 24
PAYLOAD_NAMES = ("float_data", "int32_data", "string_data", "int64_data", "raw_data", "double_data", "uint64_data")


def strip(data, threshold: int = 4096, where: str = "") -> Stripped:
    """The sizes in these tests are chosen for this threshold, whatever the default is."""
    return wire.strip(data, threshold, where)


# --- writing the wire format by hand -------------------------------------------------------------------------------


def model(graph: bytes, *more: bytes) -> bytes:
    return field(1, 8) + field(7, graph) + b"".join(more)


def big_tensor(size: int = 5000) -> bytes:
    return field(1, 1) + field(1, size) + field(2, 2) + field(8, b"w") + field(9, b"\x07" * size)


# --- comparing -----------------------------------------------------------------------------------------------------


def all_tensors(message):
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for item in value if descriptor.is_repeated else [value]:
            if item.DESCRIPTOR.name == "TensorProto":
                yield item
            yield from all_tensors(item)


def parsed(data: bytes):
    """The message, or None where protobuf refuses it."""
    try:
        return PB.ModelProto.FromString(data)
    except Exception:
        return None


def assert_same_meaning(original: bytes, stripped: Stripped) -> None:
    """Equal apart from the payloads of marked tensors, and those agree with their records."""
    before, after = parsed(original), parsed(stripped.data)
    assert (before is None) == (after is None)
    if before is None:
        return
    used = set()
    for ours, theirs in zip(all_tensors(after), all_tensors(before), strict=True):
        index = marker_index(ours, stripped.nonce)
        if index is None:
            continue
        used.add(index)
        assert_record_matches(stripped.payloads[index], theirs)
        assert theirs.data_location == PB.TensorProto.DEFAULT
        for tensor in (ours, theirs):
            for name in (*PAYLOAD_NAMES, "data_location", "external_data"):
                tensor.ClearField(name)
    assert used == set(range(len(stripped.payloads)))
    assert after.SerializeToString(deterministic=True) == before.SerializeToString(deterministic=True)


def assert_record_matches(payload: wire.Payload, tensor) -> None:
    recorded = {entry.name: entry for entry in payload.fields}
    for name in PAYLOAD_NAMES:
        if name == "raw_data":
            assert tensor.HasField(name) == (name in recorded)
            if name in recorded:
                assert (recorded[name].bytes, recorded[name].elements) == (len(tensor.raw_data), None)
        else:
            assert len(getattr(tensor, name)) == (recorded[name].elements if name in recorded else 0)


# --- models in every legal spelling --------------------------------------------------------------------------------

PADS = st.tuples(st.integers(0, 2), st.integers(0, 1))


@st.composite
def numbers(draw, number: int, packed_ok: bool = True) -> bytes:
    """A repeated varint field: packed, unpacked or both, minimal or not."""
    values = draw(st.lists(st.sampled_from([0, 1, 127, 128, 300, 2**31, 2**63, 2**64 - 1]), max_size=12))
    if packed_ok and draw(st.booleans()):
        return field(number, b"".join(varint(v, draw(st.integers(0, 10 - len(varint(v))))) for v in values))
    return b"".join(field(number, v, pad=(draw(st.integers(0, 2)), 0)) for v in values)


@st.composite
def payload_piece(draw) -> bytes:
    kind = draw(st.sampled_from(PAYLOAD_NAMES))
    pad = draw(PADS)
    if kind == "raw_data":
        return field(9, draw(st.binary(max_size=40)), pad=pad)
    if kind == "string_data":
        return b"".join(field(6, text, pad=pad) for text in draw(st.lists(st.binary(max_size=20), max_size=4)))
    if kind in ("float_data", "double_data"):
        number, wire_type, width = (4, 5, 4) if kind == "float_data" else (10, 1, 8)
        count = draw(st.integers(0, 8))
        if draw(st.booleans()):
            return field(number, b"\x11" * width * count, pad=pad)
        return field(number, b"\x22" * width, wire_type, (pad[0], 0)) * count
    return draw(numbers({"int32_data": 5, "int64_data": 7, "uint64_data": 11}[kind]))


@st.composite
def tensor_bytes(draw) -> bytes:
    pad = draw(PADS)
    pieces = [draw(payload_piece()) for _ in range(draw(st.integers(1, 4)))]
    pieces += [draw(numbers(1)), field(2, draw(st.integers(0, 30)), pad=pad), field(8, b"name", pad=pad)]
    if draw(st.booleans()):
        pieces.append(field(2, 7) + field(8, b"last one wins") + field(12, b"doc"))
    if draw(st.booleans()):
        pieces.append(draw(st.sampled_from([field(14, 0), field(14, 1), field(14, 9), field(14, 0) + field(14, 1)])))
    if draw(st.integers(0, 4)) == 0:
        pieces.append(field(13, field(1, b"location") + field(2, b"w.bin")))
    if draw(st.integers(0, 4)) == 0:
        pieces.append(field(3, field(1, 0) + field(2, 5)))
    if draw(st.integers(0, 4)) == 0:
        pieces.append(field(999, b"unknown" * 3) + field(16, b""))
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def sparse_bytes(draw) -> bytes:
    pieces = [field(1, draw(tensor_bytes())), field(2, draw(tensor_bytes())), field(3, 7), field(3, b"\x05\x06")]
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def attribute_bytes(draw, depth: int) -> bytes:
    pieces = [field(1, b"value"), field(20, 4), field(8, b"\x01\x02")]
    pieces += [field(10, draw(tensor_bytes()), pad=draw(PADS)) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        pieces.append(field(5, draw(tensor_bytes()), pad=draw(PADS)))
    if draw(st.integers(0, 3)) == 0:
        pieces.append(field(draw(st.sampled_from([22, 23])), draw(sparse_bytes())))
    if depth:
        pieces.append(field(6, draw(graph_bytes(depth - 1))))
        pieces.append(field(11, draw(graph_bytes(depth - 1)), pad=draw(PADS)))
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def node_bytes(draw, depth: int) -> bytes:
    pieces = [field(1, b"x"), field(2, b"y"), field(4, b"If"), field(3, b"node name of some length")]
    pieces += [field(5, draw(attribute_bytes(depth))) for _ in range(draw(st.integers(0, 2)))]
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def graph_bytes(draw, depth: int) -> bytes:
    pieces = [field(2, b"graph"), field(11, field(1, b"x")), field(2, b"again", pad=draw(PADS))]
    pieces += [field(5, draw(tensor_bytes()), pad=draw(PADS)) for _ in range(draw(st.integers(0, 2)))]
    pieces += [field(1, draw(node_bytes(depth))) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.integers(0, 3)) == 0:
        pieces.append(field(15, draw(sparse_bytes())))
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def function_bytes(draw) -> bytes:
    pieces = [field(1, b"f"), field(10, b"com.x"), field(7, draw(node_bytes(1))), field(11, draw(attribute_bytes(0)))]
    return b"".join(draw(st.permutations(pieces)))


@st.composite
def model_bytes(draw, depth: int = 1) -> bytes:
    pieces = [field(1, 8, pad=draw(PADS)), field(1, 9), field(8, field(2, 17)), field(7, draw(graph_bytes(depth)))]
    if draw(st.booleans()):
        pieces.append(field(25, draw(function_bytes()), pad=draw(PADS)))
    if draw(st.integers(0, 3)) == 0:
        pieces.append(field(20, field(1, draw(graph_bytes(0))) + field(2, draw(graph_bytes(0)))))
    return b"".join(draw(st.permutations(pieces)))


@pytest.mark.slow
@BOUNDED
@given(model_bytes(), st.sampled_from([0, THRESHOLD, 80]))
def test_every_spelling_keeps_its_meaning(original, threshold):
    assert parsed(original) is not None
    assert_same_meaning(original, strip(original, threshold))


@pytest.mark.slow
@BOUNDED
@given(model_bytes(), st.data())
def test_a_mutation_is_refused_or_means_the_same(original, data):
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        change = data.draw(st.sampled_from(["replace", "delete", "insert"]))
        byte = data.draw(st.integers(0, 255))
        mutated[at : at + (change != "insert")] = b"" if change == "delete" and len(mutated) > 1 else bytes([byte])
    try:
        stripped = strip(bytes(mutated), THRESHOLD)
    except InputError:
        return
    assert_same_meaning(bytes(mutated), stripped)


@BOUNDED
@given(st.binary(max_size=200))
def test_noise_is_refused_or_means_the_same(data):
    try:
        stripped = strip(data, 0)
    except InputError:
        return
    assert_same_meaning(data, stripped)


def small_model() -> bytes:
    from onnx import helper

    weights = helper.make_tensor("w", 1, [3, 4], [float(i) for i in range(12)])
    indices = helper.make_tensor("i", 7, [40], list(range(40)))
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=weights)],
        "branch",
        [],
        [helper.make_tensor_value_info("c", 1, [3, 4])],
    )
    nodes = [
        helper.make_node("If", ["cond"], ["y"], then_branch=branch, else_branch=branch),
        helper.make_node("Loop", ["n", "cond"], ["z"], body=branch),
    ]
    output = helper.make_tensor_value_info("y", 1, [3, 4])
    graph = helper.make_graph(nodes, "g", [], [output], [weights, indices])
    function = helper.make_function(
        "com.x", "F", [], ["c"], [helper.make_node("Constant", [], ["c"], value=weights)], []
    )
    return helper.make_model(graph, functions=[function]).SerializeToString()


def test_truncation_at_every_byte():
    original = small_model()
    refused, codes = 0, set()
    for length in range(len(original)):
        try:
            stripped = strip(original[:length], THRESHOLD)
        except InputError as error:
            codes.add(error.code)
            refused += 1
            continue
        assert_same_meaning(original[:length], stripped)
    assert refused > len(original) // 2
    assert codes == {"SC-PB-WIRE"}
    assert len(strip(original, THRESHOLD).payloads) == 5  # the sixth large tensor holds integers


def test_a_large_model_shrinks():
    original = model(b"".join(field(5, big_tensor()) for _ in range(20)))
    stripped = strip(memoryview(original))
    assert len(stripped.data) < 2000 < len(original)
    assert len(stripped.payloads) == 20
    assert stripped.payloads[0].fields == (wire.PayloadField("raw_data", 5000, None, 1),)
    assert_same_meaning(original, stripped)


def test_a_mapped_file_gives_the_same(tmp_path):
    packed = field(7, b"\x85\x01" * (1 << 20))
    original = model(
        b"".join(field(5, tensor) + field(2, b"g") for tensor in [big_tensor(), packed] * 20), field(4, b"d")
    )
    (tmp_path / "m.onnx").write_bytes(original)
    with (tmp_path / "m.onnx").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        mapped = strip(mapping)
    plain = strip(original)
    assert mapped.payloads == plain.payloads
    assert mapped.data == plain.data.replace(plain.nonce.encode(), mapped.nonce.encode())


def test_the_last_raw_data_counts():
    tensor = field(9, bytes(6000)) + field(9, bytes(100))
    (payload,) = strip(model(field(5, tensor))).payloads
    assert payload.fields == (wire.PayloadField("raw_data", 100, None, 2),)


def test_small_ambiguous_and_external_tensors_stay_as_they_are():
    location = field(14, 1) + field(13, field(1, b"location") + field(2, b"w.bin"))
    forged = field(14, 1) + field(13, field(1, MARKER_KEY.encode()) + field(2, b"0123456789abcdef:0"))
    for tensor in (field(9, bytes(4096)), big_tensor() + location, big_tensor() + forged):
        original = model(field(5, tensor))
        stripped = strip(original)
        assert stripped.data == original
        assert stripped.payloads == ()
        message = parsed(stripped.data).graph.initializer[0]
        assert stripped.payload_of(message) is None
    assert strip(original).nonce != stripped.nonce


def test_a_marker_value_that_is_not_utf8_is_nobodys():
    tensor = PB.TensorProto.FromString(field(13, field(1, MARKER_KEY.encode()) + field(2, b"\xff")))
    assert marker_index(tensor, "ff") is None


def test_varints_are_counted_across_chunks():
    packed = b"".join(varint(value) * 400_000 for value in (1, 2**63, 300))
    original = model(field(5, field(7, packed)))
    (payload,) = strip(original).payloads
    assert payload.fields[0].elements == 1_200_000


def test_an_overlong_varint_across_a_chunk_border_is_seen():
    packed = b"\x01" * ((1 << 20) - 4) + b"\xff" * 10 + b"\x01" * 10
    with pytest.raises(InputError, match="10 bytes"):
        strip(model(field(5, field(7, packed))))


def deep(levels: int) -> bytes:
    """A graph within graphs: three messages per level."""
    graph = field(5, big_tensor())
    for _ in range(levels):
        graph = field(1, field(5, field(6, graph)))
    return model(graph)


@pytest.mark.parametrize(
    ("code", "data"),
    [
        pytest.param("SC-PB-DUPFIELD", model(field(2, b"a")) * 2, id="two models in one file"),
        pytest.param("SC-PB-DUPFIELD", model(b"") + field(7, field(1, b"")), id="second graph"),
        pytest.param(
            "SC-PB-DUPFIELD",
            model(field(1, field(5, field(5, big_tensor()) + field(5, big_tensor())))),
            id="attribute with two tensors",
        ),
        pytest.param("SC-PB-DUPFIELD", model(field(15, field(1, big_tensor()) * 2)), id="sparse with two values"),
        pytest.param("SC-PB-DUPFIELD", model(field(5, big_tensor() + field(3, b"") * 2)), id="two segments"),
        pytest.param("SC-PB-DUPFIELD", model(b"", field(20, field(1, field(5, big_tensor())) * 2)), id="training info"),
        pytest.param("SC-PB-UNKNOWN", model(b"", field(999, b"x" * 1000)), id="unknown field"),
        pytest.param("SC-PB-UNKNOWN", field(12, 1), id="unknown number"),
        pytest.param("SC-PB-WIRE", field(7, 3), id="graph as a number"),
        pytest.param("SC-PB-WIRE", field(1, b"text"), id="ir_version as text"),
        pytest.param("SC-PB-WIRE", model(field(1, 3) + field(2, b"x" * 5000)), id="node as a number"),
        pytest.param("SC-PB-WIRE", model(field(5, field(9, 3) + field(12, b"x" * 5000))), id="raw_data as a number"),
        pytest.param("SC-PB-WIRE", model(field(5, field(4, b"x" * 5001))), id="float_data of odd length"),
        pytest.param("SC-PB-WIRE", model(field(5, field(10, b"x" * 5001))), id="double_data of odd length"),
        pytest.param("SC-PB-WIRE", model(field(5, field(7, b"\x80" * 5001))), id="packed over-long varint"),
        pytest.param("SC-PB-WIRE", model(field(5, field(7, b"\x01" * 5000 + b"\x80"))), id="packed cut varint"),
        pytest.param("SC-PB-WIRE", b"\x08" + b"\x80" * 10 + b"\x00", id="over-long value"),
        pytest.param("SC-PB-WIRE", b"\x88\x80\x80\x80\x80\x00\x01", id="over-long tag"),
        pytest.param("SC-PB-WIRE", b"\x3a\x80\x80\x80\x80\x80\x00", id="over-long length"),
        pytest.param("SC-PB-WIRE", b"\xba\xff\xff\xff\x7f\x00", id="tag above 32 bits"),
        pytest.param("SC-PB-WIRE", b"\x3a\xff\xff\xff\xff\x0f", id="negative length"),
        pytest.param("SC-PB-WIRE", b"\x3a\x05ab", id="length past the end"),
        pytest.param("SC-PB-WIRE", b"\x08", id="no value"),
        pytest.param("SC-PB-WIRE", b"\x3a", id="no length"),
        pytest.param("SC-PB-WIRE", b"\x80", id="no tag"),
        pytest.param("SC-PB-WIRE", b"\x3b\x3c", id="group"),
        pytest.param("SC-PB-WIRE", b"\x3c", id="end of no group"),
        pytest.param("SC-PB-WIRE", b"\x3e\x00", id="wire type 6"),
        pytest.param("SC-PB-WIRE", b"\x3f\x00", id="wire type 7"),
        pytest.param("SC-PB-WIRE", b"\x02\x00", id="field number 0"),
        pytest.param("SC-PB-WIRE", b"\x3d\x00", id="fixed32 past the end"),
        pytest.param("SC-LIM-DEPTH", deep(34), id="nested too deep"),
    ],
)
def test_refused(code, data):
    with pytest.raises(InputError) as caught:
        strip(data, where="m.onnx")
    assert caught.value.code == code
    assert caught.value.where.startswith("m.onnx: ")
    assert " at byte " in caught.value.where


def test_as_deep_as_protobuf_goes():
    """Depth 100 for both: what protobuf parses is not refused, what is refused protobuf does not parse."""
    assert parsed(deep(32)) is not None
    assert_same_meaning(deep(32), strip(deep(32)))
    assert parsed(deep(34)) is None


def test_limits(monkeypatch):
    monkeypatch.setattr(limits, "_raised", {"text": 10_000 / 2**20})
    with pytest.raises(InputError) as caught:
        strip(model(b"", field(6, b"x" * 10_000)))
    assert caught.value.code == "SC-LIM-STRING"
    monkeypatch.setattr(limits, "_raised", {"fields": 1000})
    with pytest.raises(InputError) as caught:
        strip(model(field(1, b"") * 3000))
    assert caught.value.code == "SC-LIM-FIELDS"


def test_the_tables_match_the_installed_onnx():
    by_number = PB.ModelProto.DESCRIPTOR.fields_by_number
    assert set(layout.MODEL_FIELDS) == set(by_number)
    for number, wire_type in layout.MODEL_FIELDS.items():
        descriptor = by_number[number]
        assert wire_type == (0 if descriptor.cpp_type in (descriptor.CPPTYPE_INT64, descriptor.CPPTYPE_INT32) else 2)
    fields_of_tensor = PB.TensorProto.DESCRIPTOR.fields_by_number
    assert {n: fields_of_tensor[n].name for n in layout.PAYLOAD_FIELDS} == {
        n: name for n, (name, _, _) in layout.PAYLOAD_FIELDS.items()
    }
    assert {field.name for field in PB.TensorProto.DESCRIPTOR.fields if field.name.endswith("_data")} == {
        *PAYLOAD_NAMES,
        "external_data",
    }
    assert [fields_of_tensor[n].name for n in (wire._SEGMENT, wire._EXTERNAL_DATA, wire._DATA_LOCATION)] == [
        "segment",
        "external_data",
        "data_location",
    ]


def test_every_way_to_a_tensor_is_walked():
    def reaches_tensor(descriptor, seen=()) -> bool:
        return descriptor.name == "TensorProto" or any(
            reaches_tensor(field.message_type, (*seen, descriptor.name))
            for field in descriptor.fields
            if field.message_type is not None and field.message_type.name not in (*seen, descriptor.name)
        )

    kinds, done = ["ModelProto"], set()
    while kinds:
        kind = kinds.pop()
        if kind in done or kind == "TensorProto":
            continue
        done.add(kind)
        descriptor = getattr(PB, kind).DESCRIPTOR
        expected = {}
        for item in descriptor.fields:
            if item.message_type is None:
                continue
            inner = item.message_type.name if reaches_tensor(item.message_type) else None
            if inner is not None or not item.is_repeated:
                expected[item.number] = (item.name, inner, not item.is_repeated)
                kinds += [inner] if inner else []
        assert layout.DESCENT[kind] == expected, kind
    assert done == set(layout.DESCENT)

"""Descriptions of networks, as they are written and as nobody should write them."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from safecheck.nvidia.scope_check.description import write
from safecheck.nvidia.translation.ask import read as read_answer
from safecheck.nvidia.translation.network import read


class Named:
    """What the vendor's enumerators have."""

    def __init__(self, name: str) -> None:
        self.name = name


class Dims:
    """Sizes as the vendor's package gives them: with a length and an index, and -1 where none are set."""

    def __init__(self, *sizes: int, unset: bool = False) -> None:
        self._sizes, self._unset = sizes, unset

    def __len__(self) -> int:
        return -1 if self._unset else len(self._sizes)

    def __getitem__(self, index: int) -> int:
        return self._sizes[index]


class FakeTensor:
    def __init__(self, name: str, *shape: int) -> None:
        self.name, self.dtype, self.shape = name, Named("FLOAT"), Dims(*shape)


class ILoop:
    name = "not unique"


class trt:  # noqa: N801 - stands in for the vendor's module
    class ILayer:
        """What every layer has."""

    class IConvolutionLayer(ILayer):
        kernel = property(lambda self: np.arange(4, dtype=np.float16))
        stride_nd = property(lambda self: Dims(2, 3))
        padding_mode = property(lambda self: Named("SAME_UPPER"))
        num_groups = property(lambda self: 2)
        unset = property(lambda self: Dims(unset=True))

    class IRecurrenceLayer(ILayer):
        loop = property(lambda self: self.own)


class FakeLayer(trt.ILayer):
    num_inputs, num_outputs, metadata = 2, 1, "[ONNX Layer: n]"

    def __init__(self, kind: str, name: str, own: Any = None) -> None:
        self.type, self.name, self.own = Named(kind), name, own

    def get_input(self, number: int) -> FakeTensor | None:
        return None if number else FakeTensor("x", 1, -1)

    def get_output(self, _: int) -> FakeTensor:
        return FakeTensor(f"{self.name}_output", 1, 4)


class FakeNetwork:
    num_inputs = num_outputs = 1

    def __init__(self, *layers: FakeLayer) -> None:
        self._layers, self.num_layers = layers, len(layers)

    def get_layer(self, number: int) -> FakeLayer:
        return self._layers[number]

    def get_input(self, _: int) -> FakeTensor:
        return FakeTensor("x", 1, -1)

    def get_output(self, _: int) -> FakeTensor:
        return FakeTensor("c_output", 1, 4)


def described(*layers: FakeLayer) -> bytes:
    file = io.BytesIO()
    write(trt, FakeNetwork(*layers), file)
    return file.getvalue()


def test_every_property_of_the_interface_is_described() -> None:
    network = read(described(FakeLayer("CONVOLUTION", "c"), FakeLayer("CONVOLUTION", "d")))
    layer = network.layers[0]
    assert (layer.kind, layer.name, layer.metadata) == ("CONVOLUTION", "c", "[ONNX Layer: n]")
    assert layer.inputs == (("x", "FLOAT", (1, -1)), None)
    np.testing.assert_array_equal(layer["kernel"], np.arange(4))
    assert {name: layer[name] for name in ("stride_nd", "padding_mode", "num_groups", "unset")} == {
        "stride_nd": [2, 3],
        "padding_mode": "SAME_UPPER",
        "num_groups": 2,
        "unset": None,
    }
    assert str(layer) == "CONVOLUTION kernel=4 weights num_groups=2 padding_mode=SAME_UPPER stride_nd=[2,3]"
    assert [tensor.name for tensor in (*network.inputs, *network.outputs)] == ["x", "c_output"]


def test_loops_are_told_apart_by_themselves_and_not_by_their_names() -> None:
    one, other = ILoop(), ILoop()
    layers = [FakeLayer("RECURRENCE", name, own) for name, own in (("a", one), ("b", other), ("c", one))]
    assert [layer["loop"]["owner"] for layer in read(described(*layers)).layers] == [0, 1, 0]


def test_a_layer_without_a_known_interface_has_no_parameters() -> None:
    assert read(described(FakeLayer("BRAND_NEW", "b"))).layers[0].parameters == {}


GOOD = json.loads(described(FakeLayer("CONVOLUTION", "c")).partition(b"\n")[0])


def changed(**parts: Any) -> bytes:
    return json.dumps(GOOD | parts).encode() + b"\n" + bytes(8)


LAYER = GOOD["layers"][0]
BAD = [
    b"",
    b"\n",
    b"[]\n",
    b"[" * 100_000,
    json.dumps(GOOD).encode(),
    json.dumps(GOOD).encode() + b"\n" + bytes(7),
    changed(layers=[{}]),
    changed(layers=[LAYER, LAYER]),
    changed(outputs=[None]),
    changed(inputs=[["x", 1, [1]]]),
    changed(inputs=[["x", "FLOAT", ["a"]]]),
    changed(layers=[LAYER | {"parameters": {"kernel": {"array": "object", "count": 1}}}]),
    changed(layers=[LAYER | {"parameters": {"kernel": {"array": "float32", "count": -1}}}]),
    changed(layers=[LAYER | {"parameters": {"kernel": {"array": "float32", "count": 1 << 60}}}]),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_no_description_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"description|none|one name"):
        read(BAD[number])


ANSWERS = [
    b"",
    b"[]",
    b"null",
    b'{"status": "equal", "reason": ""}',
    b'{"status": "same"}',
    b'{"status": "different", "reason": ""}',
    b'{"status": "same", "reason": "", "outputs": [["y"]]}',
    b'{"status": "different", "reason": "", "differences": [{}]}',
]


@pytest.mark.parametrize("output", ANSWERS)
def test_what_is_no_answer_decides_nothing(output: bytes) -> None:
    assert read_answer(output).status == "undecided"

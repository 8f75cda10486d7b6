"""Rows 47 to 54: tensors, and operators that would make large ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from onnx import TensorProto, helper

from recipes.case import BY_THE_RULES, NEVER_A_PASS, UNREADABLE, Case, edited, of_text

CONV = "(float[1,2,9,9] x) => (y) { y = Conv(x, w) }"
WEIGHTS = {"w": "float[2,2,1,1]"}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    for name, dims in (
        ("2^124", [2**62, 2**62]),
        ("2^64", [2**32, 2**32]),
        ("-1", [-1, 3]),
        ("2^63-1", [2**63 - 1]),
        ("0 of 2^64", [0, 2**32, 2**32]),
        ("smallest", [-(2**63)]),
    ):
        for where in ("used", "unused"):
            yield _tensor(
                47,
                f"{name}, {where}",
                UNREADABLE,
                "SC-(LIM-ELEMENTS|MODEL-DIM|MODEL-TENSORSIZE)",
                where=where,
                dims=dims,
            )
    for name, more in (
        ("4 bytes for 1000", {"dims": [1000], "raw_data": bytes(4)}),
        ("too long", {"raw_data": bytes(20)}),
        ("no whole elements", {"raw_data": bytes(15)}),
        ("nothing", {"raw_data": b""}),
        ("odd int4", {"data_type": TensorProto.INT4, "dims": [3], "raw_data": bytes(1)}),
        ("long typed", {"raw_data": None, "float_data": [0.0] * 5}),
        ("short typed", {"raw_data": None, "float_data": [0.0] * 3}),
    ):
        yield _tensor(48, name, UNREADABLE, "SC-MODEL-TENSORSIZE", **more)
    for kind in (
        9999,
        0,
        -1,
        TensorProto.STRING,
        TensorProto.COMPLEX64,
        TensorProto.COMPLEX128,
        TensorProto.FLOAT8E4M3FN,
        TensorProto.FLOAT8E5M2FNUZ,
        2**31 - 1,
    ):
        yield _tensor(49, f"type {kind}", NEVER_A_PASS, data_type=kind)
    yield _tensor(50, "100,000 dimensions", UNREADABLE, "SC-LIM-RANK", dims=[1] * 100_000, raw_data=bytes(4))
    yield _tensor(50, "no dimensions", NEVER_A_PASS, dims=[], raw_data=bytes(4))
    yield _tensor(50, "no elements", NEVER_A_PASS, dims=[0], raw_data=b"")
    yield _tensor(51, "raw and typed", NEVER_A_PASS, "SC-AMB-TENSOR", float_data=[0.0] * 4)
    yield edited(51, "inline and external", _both, NEVER_A_PASS, "SC-AMB-TENSOR", text=CONV, weights=WEIGHTS)
    yield from _makers()
    yield from _sparse()
    yield from _quantisation()


def _tensor(row: int, name: str, codes: frozenset[int], says: str = "", where: str = "used", **fields: Any) -> Case:
    """A convolution whose weights are spoilt, or that has a tensor beside it that nobody takes."""

    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        if where == "unused":
            tensor = model.graph.initializer.add(name="u", data_type=1, raw_data=bytes(16))
        for field, value in fields.items():
            if value is None:
                tensor.ClearField(field)
            elif isinstance(value, list):
                del getattr(tensor, field)[:]
                getattr(tensor, field).extend(value)
            else:
                setattr(tensor, field, value)

    return edited(row, name, change, codes, says, text=CONV, weights=WEIGHTS)


def _both(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")


def _makers() -> Iterator[Case]:
    big = 2**40
    for name, text in {
        "ConstantOfShape": f"(float[1] x) => (y) <int64[1] n = {{{big}}}> {{ k = ConstantOfShape(n) y = Add(x, k) }}",
        "ConstantOfShape of 2^40 sizes": f"(int64[{big}] n) => (float[1] y) {{ k = ConstantOfShape(n) y = ReduceMax(k) }}",
        "Range": f"(int64 x) => (y) <int64 a = {{0}}, int64 b = {{{2**62}}}, int64 c = {{1}}> {{ r = Range(a, b, c) y = Add(x, r) }}",
        "Range of 2^31": f"(int64 x) => (y) <int64 a = {{0}}, int64 b = {{{2**31}}}, int64 c = {{1}}> {{ r = Range(a, b, c) y = Add(x, r) }}",
        "Expand": f"(float[1] x) => (y) <int64[2] n = {{{2**30}, {2**30}}}> {{ y = Expand(x, n) }}",
        "Tile": f"(float[1,1] x) => (y) <int64[2] n = {{{2**30}, {2**30}}}> {{ y = Tile(x, n) }}",
        "Tile by the largest": f"(float[2] x) => (y) <int64[1] n = {{{2**63 - 1}}}> {{ y = Tile(x, n) }}",
        "OneHot": f"(int64[1] x) => (y) <int64 n = {{{2**60}}}, float[2] v = {{0, 1}}> {{ y = OneHot(x, n, v) }}",
        "Pad": f"(float[1,1,4,4] x) => (y) <int64[8] p = {{0, 0, {2**40}, {2**40}, 0, 0, 0, 0}}> {{ y = Pad(x, p) }}",
        "Resize": "(float[1,1,4,4] x) => (y) <float[4] s = {1, 1, 1e20, 1e20}> { y = Resize(x, , s) }",
        "EyeLike": f"(float[{2**20},{2**20}] x) => (y) {{ y = EyeLike(x) }}",
        "doublings": "(float[1] x) => (y) <int64[1] n = {1}> { "
        + "".join(
            f"{b} = Concat<axis = 0>({a}, {a}) "
            for a, b in zip(["n", *(f"v{i}" for i in range(61))], [f"v{i}" for i in range(62)], strict=True)
        )
        + " k = ConstantOfShape(v61) y = Add(x, k) }",
        "CastLike of a long vector": f"(int64[{2**31}] x) => (int32[{2**31}] y) {{ y = Cast<to = 6>(x) }}",
    }.items():
        yield of_text(52, name, text, BY_THE_RULES if "Cast" in name else NEVER_A_PASS, opset=17)


def _sparse() -> Iterator[Case]:
    def sparse(values: list[float], indices: list[int], dims: list[int], **more: Any) -> Any:
        def change(model: Any) -> None:
            del model.graph.initializer[:]
            added = model.graph.sparse_initializer.add(dims=dims)
            added.values.CopyFrom(helper.make_tensor("w", 1, [len(values)], values))
            added.indices.CopyFrom(helper.make_tensor("i", 7, [len(indices)], indices))
            if more:
                added.values.ClearField("float_data")
                added.values.data_location = TensorProto.EXTERNAL
                added.values.external_data.add(key="location", value="../w.bin")

        return change

    for name, change in {
        "good": sparse([1.0, 2.0], [0, 3], [2, 2, 1, 1]),
        "out of range": sparse([1.0, 2.0], [0, 4], [2, 2, 1, 1]),
        "negative": sparse([1.0, 2.0], [-1, 3], [2, 2, 1, 1]),
        "unsorted": sparse([1.0, 2.0], [3, 0], [2, 2, 1, 1]),
        "twice": sparse([1.0, 2.0], [0, 0], [2, 2, 1, 1]),
        "too many": sparse([1.0] * 9, list(range(9)), [2, 2, 1, 1]),
        "fewer indices": sparse([1.0] * 3, [0], [2, 2, 1, 1]),
        "external": sparse([1.0], [0], [2, 2, 1, 1], external=True),
        "huge": sparse([1.0], [0], [2**40, 2**40]),
    }.items():
        yield edited(53, name, change, NEVER_A_PASS, text=CONV, weights=WEIGHTS)


def _quantisation() -> Iterator[Case]:
    def model(scale: str, zero: str = "int8 z = {0}", axis: str = "", profile: str = "") -> str:
        return f"(float[1,3,4,4] x) => (y) <{scale}, {zero}> {{ q = QuantizeLinear{axis}(x, s, z) y = DequantizeLinear{axis}(q, s, z) }}"

    for name, text in {
        "scale 0": model("float s = {0.0}"),
        "negative scale": model("float s = {-1.0}"),
        "another type of zero point": model("float s = {0.1}", "uint16 z = {0}"),
        "zero point of another length": model("float[3] s = {0.1, 0.1, 0.1}", "int8[2] z = {0, 0}", "<axis = 1>"),
        "scales of another length": model(
            "float[5] s = {0.1, 0.1, 0.1, 0.1, 0.1}", "int8[5] z = {0, 0, 0, 0, 0}", "<axis = 1>"
        ),
        "axis beyond": model("float[3] s = {0.1, 0.1, 0.1}", "int8[3] z = {0, 0, 0}", "<axis = 9>"),
    }.items():
        for profile in ("tensorrt-8.6-restricted", "tensorrt-10-safety"):
            yield of_text(
                54, f"{name} under {profile}", text, NEVER_A_PASS, command=("audit", "m.onnx", "--profile", profile)
            )
    for value in (math.nan, math.inf):

        def change(proto: Any, value: float = value) -> None:
            proto.graph.initializer[0].CopyFrom(helper.make_tensor("s", 1, [], [value]))

        # The network of the 10.x parser takes an infinite scale, and computes with it what onnxruntime does (measured).
        for profile in ("tensorrt-8.6-restricted", *(["tensorrt-10-safety"] if math.isnan(value) else [])):
            yield edited(
                54,
                f"scale {value} under {profile}",
                change,
                NEVER_A_PASS,
                text=model("float s = {0.1}"),
                command=("audit", "m.onnx", "--profile", profile),
            )

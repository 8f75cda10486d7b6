"""Arbitrary nodes and layers for property tests: sensible ones often, malformed ones often enough."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from safecheck.ir.signature import UNKNOWN, Layer, Scalar, Signature, Tensor
from safecheck.rulebook.lowering.table import Table

DTYPES = ("FLOAT", "FLOAT16", "DOUBLE", "INT64", "INT32", "INT8", "UINT8", "BOOL", "BFLOAT16", "STRING")
WORDS = (
    "NOTSET", "VALID", "SAME_UPPER", "linear", "nearest", "cubic", "half_pixel", "tf_half_pixel_for_nn",
    "align_corners", "constant", "reflect", "stretch", "not_larger", "none", "add", "forward", "bij,bjk->bik", "", "?",
)  # fmt: skip
ATTRIBUTES = (
    "kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "ceil_mode", "axis", "axes", "keepdims",
    "perm", "mode", "coordinate_transformation_mode", "nearest_mode", "antialias", "keep_aspect_ratio_policy", "to",
    "p", "fmod", "training_mode", "output_padding", "output_shape", "select_last_index", "largest", "seed", "alpha",
    "beta", "gamma", "upper", "noop_with_empty_axes", "reduction", "start", "end", "split", "transA", "equation",
    "activations", "dtype", "broadcast", "batch_axis", "time_axis", "direction", "clip", "value_string", "exclusive",
    "to_", "layout", "num_groups", "scales", "",
)  # fmt: skip

sizes = st.one_of(st.sampled_from([0, 1, 2, 3, 4, 7, 8, 2304, 2305]), st.integers(-(2**70), 2**70))
numbers = st.one_of(sizes, st.floats(), st.booleans())
scalars = st.one_of(numbers, st.sampled_from(WORDS), st.text(max_size=5))
values = st.one_of(
    scalars,
    st.lists(st.one_of(scalars, st.just(UNKNOWN)), max_size=6).map(tuple),
    st.integers(0, 4).flatmap(lambda value: st.sampled_from([2, 4]).map(lambda length: (value,) * length)),
    st.just(UNKNOWN),
)
dims = st.one_of(st.integers(0, 9), st.sampled_from([2304, 2305]), st.none(), st.sampled_from(["N", ""]), sizes)
good_dims = st.sampled_from([1, 2, 4, 8])


def _shape(dim: st.SearchStrategy[int | str | None]) -> st.SearchStrategy[tuple[int | str | None, ...]]:
    return st.one_of(st.tuples(dim, dim, dim, dim), st.lists(dim, max_size=9).map(tuple))


# Elements always are of the type that the tensor says, else they are not kept; their number may be anything.
_ELEMENTS: dict[str, st.SearchStrategy[Scalar]] = {
    "FLOAT": st.floats(width=32), "FLOAT16": st.floats(width=16), "DOUBLE": st.floats(), "BOOL": st.booleans(),
    "INT64": st.integers(-(2**63), 2**63 - 1), "INT32": st.integers(-(2**31), 2**31 - 1),
    "INT8": st.integers(-128, 127), "UINT8": st.integers(0, 255),
}  # fmt: skip


def _tensor(dtype: str | None) -> st.SearchStrategy[Tensor]:
    kept = st.none()
    return st.builds(
        Tensor,
        dtype=st.just(dtype),
        shape=st.one_of(_shape(good_dims), _shape(dims), st.none()),
        constant=st.booleans(),
        values=st.one_of(kept, st.lists(_ELEMENTS[dtype], max_size=4).map(tuple)) if dtype in _ELEMENTS else kept,
    )


tensors = st.one_of([_tensor(dtype) for dtype in (*DTYPES, None)])
good_tensors = st.builds(
    Tensor,
    dtype=st.just("FLOAT"),
    shape=st.one_of(st.just((4, 8, 6, 6)), _shape(good_dims)),
    constant=st.booleans(),
    values=st.one_of(st.none(), st.just((1.0, 1.0, 2.0, 2.0)), st.just((0,))),
)
some_tensors = st.lists(st.one_of(good_tensors, tensors, st.none()), max_size=5).map(tuple)
attributes = st.dictionaries(st.one_of(st.sampled_from(ATTRIBUTES), st.text(max_size=3)), values, max_size=5).map(
    lambda found: tuple(sorted(found.items()))
)


def signatures(table: Table) -> st.SearchStrategy[Signature]:
    """Nodes: most of operators that the table knows, with attributes and tensors of any kind."""
    names = sorted(table.operators)
    common = (
        "Conv",
        "AveragePool",
        "MaxPool",
        "Resize",
        "Reshape",
        "Transpose",
        "Add",
        "Mul",
        "BatchNormalization",
        "Pad",
    )
    return st.builds(
        Signature,
        op_type=st.one_of(st.sampled_from(common), st.sampled_from(names), st.text(max_size=4)),
        domain=st.one_of(st.just(""), st.sampled_from(["", "ai.onnx", "com.foo"]), st.text(max_size=3)),
        opset=st.one_of(st.integers(1, 23), st.sampled_from([-1, 0, 10**30])),
        attributes=attributes,
        inputs=some_tensors,
        outputs=some_tensors,
        is_output=st.booleans(),
        idiom=st.sampled_from(["", "decomposed-gelu", "no such idiom"]),
        static_shapes_only=st.sampled_from([False, False, False, True]),
    )


def layers(table: Table, types: list[str]) -> st.SearchStrategy[Layer]:
    """Layers of these types, of any node, with tensors of any kind."""
    several = st.lists(st.one_of(good_tensors, tensors), max_size=3).map(tuple)
    return st.builds(
        Layer,
        type=st.one_of(st.sampled_from(types), st.text(max_size=4)),
        kind=st.one_of(
            st.none(), st.sampled_from(["kAVG", "kSUM", "kPROD", "kAVERAGE", "kSIGMOID"]), st.text(max_size=3)
        ),
        node=signatures(table),
        inputs=several,
        outputs=several,
        role=st.sampled_from(["", "rank broadcast", "unsqueeze"]),
        certain=st.booleans(),
    )


def with_one_fact_less(signature: Signature) -> Iterator[tuple[str, Signature]]:
    """The form with one attribute value, dimension, shape, type or list of elements forgotten, in every way."""
    for position, (name, _) in enumerate(signature.attributes):
        forgot = (*signature.attributes[:position], (name, UNKNOWN), *signature.attributes[position + 1 :])
        yield f"attribute {name}", signature._replace(attributes=forgot)
    for side in ("inputs", "outputs"):
        tensors: tuple[Tensor | None, ...] = getattr(signature, side)
        for position, tensor in enumerate(tensors):
            if tensor is None:
                continue
            shape = tensor.shape or ()
            dims = [(*shape[:axis], None, *shape[axis + 1 :]) for axis in range(len(shape))]
            changes = [{"shape": None}, {"dtype": None}, {"values": None}, *({"shape": less} for less in dims)]
            for change in changes:
                replaced = (*tensors[:position], tensor._replace(**change), *tensors[position + 1 :])
                yield f"{side} {position} {change}", signature._replace(**{side: replaced})

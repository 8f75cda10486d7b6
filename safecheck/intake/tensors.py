"""Find every tensor of a parsed model, and refuse one whose type, shape and data contradict each other.

Runs after `wire.strip`, so the payload of a large tensor is a record, not bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from safecheck.errors import InputError
from safecheck.intake.dtypes import BY_NUMBER, ElementType
from safecheck.intake.onnx_library import messages
from safecheck.intake.wire import Stripped
from safecheck.text import printable

RANK_LIMIT = 64
ELEMENTS_LIMIT = 1 << 40
_LOCATION_LIMIT = 400

_PLAIN = frozenset({"dims", "data_type", "name", "doc_string", "raw_data"})
_TYPED_FIELDS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")


def tensors(model: Any) -> Iterator[Any]:
    """Every TensorProto of a ModelProto. Without recursion: nesting is as deep as the file likes."""
    return (tensor for _, tensor in _walk(model, located=False))


def place_of(model: Any, position: int) -> str:
    """Where the tensor of this position in `tensors` stands, such as `graph.node[3](If).then_branch...`."""
    return next(place for index, (place, _) in enumerate(_walk(model, located=True)) if index == position)


def _walk(model: Any, located: bool) -> Iterator[tuple[str, Any]]:
    """Places and tensors, in an order that depends on the model only; places are put into words only if asked for."""
    containers: list[tuple[str, Any]] = [("graph", model.graph)]
    for index, training in enumerate(model.training_info):
        containers.append((f"training_info[{index}].initialization", training.initialization))
        containers.append((f"training_info[{index}].algorithm", training.algorithm))
    for index, function in enumerate(model.functions):
        containers.append((f"functions[{index}]({printable(function.name, 40)})", function))
    containers.reverse()
    is_graph = messages().GraphProto
    while containers:
        place, container = containers.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(container, is_graph):
            for index, tensor in enumerate(container.initializer):
                yield _location(f"{place}.initializer[{index}]", tensor) if located else "", tensor
            for index, sparse in enumerate(container.sparse_initializer):
                yield from _of_sparse(f"{place}.sparse_initializer[{index}]", sparse)
        else:
            for attribute in container.attribute_proto:
                yield from _of_attribute(place, attribute, inner)
        for index, node in enumerate(container.node):
            attributes = node.attribute
            if attributes:
                node_place = f"{place}.node[{index}]({printable(node.op_type, 40)})" if located else ""
                for attribute in attributes:
                    if _holds_tensors(attribute):
                        yield from _of_attribute(node_place, attribute, inner)
        containers += reversed(inner)


def _holds_tensors(attribute: Any) -> bool:
    """Whether the attribute has a tensor or graph, whatever its type tag claims."""
    return bool(
        attribute.HasField("t") or attribute.HasField("g") or attribute.HasField("sparse_tensor")
        or attribute.tensors or attribute.graphs or attribute.sparse_tensors
    )  # fmt: skip


def _of_attribute(place: str, attribute: Any, graphs: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The tensors of one attribute; its graphs are left in `graphs`."""
    for field, value in attribute.ListFields():
        name = field.name
        if name not in ("t", "g", "tensors", "graphs", "sparse_tensor", "sparse_tensors"):
            continue
        here = f"{place}.{printable(attribute.name, 40)}"
        several = name.endswith("s")
        for index, item in enumerate(value if several else (value,)):
            item_place = f"{here}[{index}]" if several else here
            if name in ("g", "graphs"):
                graphs.append((item_place, item))
            elif name in ("t", "tensors"):
                yield _location(item_place, item), item
            else:
                yield from _of_sparse(item_place, item)


def _of_sparse(place: str, sparse: Any) -> Iterator[tuple[str, Any]]:
    for name in ("values", "indices"):
        if sparse.HasField(name):
            tensor = getattr(sparse, name)
            yield _location(f"{place}.{name}", tensor), tensor


def _location(place: str, tensor: Any) -> str:
    """The place and the tensor's name; of a very long place its end, which is the part next to the tensor."""
    if len(place) > _LOCATION_LIMIT:
        place = f"…{place[-_LOCATION_LIMIT:]}"
    return f'{place} "{printable(tensor.name, 100)}"' if tensor.name else place


def element_count(where: str, tensor: Any) -> int:
    """The product of the dimensions.

    Raises:
        InputError: SC-LIM-RANK, SC-MODEL-DIM or SC-LIM-ELEMENTS.
    """
    dims = tensor.dims
    if len(dims) > RANK_LIMIT:
        _refuse("SC-LIM-RANK", where, f"{len(dims)} dimensions, the limit is {RANK_LIMIT}")
    product, without_zeros = 1, 1
    for dim in dims:
        if dim < 0:
            _refuse("SC-MODEL-DIM", where, f"the tensor has a dimension of {dim}")
        product *= dim
        # zeros must not excuse the rest: a reader that multiplies in 64 bits overflows before it meets them
        without_zeros *= dim or 1
        if without_zeros > ELEMENTS_LIMIT:
            _refuse("SC-LIM-ELEMENTS", where, f"more than {ELEMENTS_LIMIT} elements")
    return product


def byte_size(where: str, tensor: Any) -> int | None:
    """Bytes of the elements as raw or external data, sub-byte types packed; None for strings.

    Raises:
        InputError: SC-MODEL-DTYPE, or what `element_count` raises.
    """
    return _type_of(where, tensor).size(element_count(where, tensor))


def check_tensor(where: str, tensor: Any, stripped: Stripped) -> None:
    """Refuse a tensor that readers could understand differently; `stripped` holds the payload if it was cut out.

    Raises:
        InputError: SC-AMB-TENSOR, SC-MODEL-TENSORSIZE, or what `byte_size` raises.
    """
    type_ = _type_of(where, tensor)
    count = element_count(where, tensor)
    size = type_.size(count)
    present = {field.name: value for field, value in tensor.ListFields()}
    if size is not None and present.keys() <= _PLAIN and len(present.get("raw_data", b"")) == size > 0:
        return  # nearly every tensor: dimensions, a type, and raw data of the right size
    raw, typed, cut = _inline(tensor, stripped)
    if tensor.HasField("segment"):
        _refuse("SC-AMB-TENSOR", where, "the tensor is a segment of another one, which readers ignore")
    if not cut:
        external = tensor.data_location == messages().TensorProto.EXTERNAL
        if external and (raw is not None or typed):
            _refuse("SC-AMB-TENSOR", where, "the tensor has external data and inline data")
        if tensor.external_data and not external:
            _refuse("SC-AMB-TENSOR", where, "the tensor has external_data but its data_location is not EXTERNAL")
        if external:
            if size is None:
                _refuse("SC-MODEL-DTYPE", where, f"{type_.name} elements in external data")
            return
    if raw is not None and typed:
        _refuse("SC-AMB-TENSOR", where, f"the tensor has raw_data and {', '.join(typed)}")
    if raw is not None:
        if size is None:
            _refuse("SC-MODEL-DTYPE", where, f"{type_.name} elements in raw_data")
        if raw != size:
            _refuse("SC-MODEL-TENSORSIZE", where, f"{raw} bytes of raw_data for {count} elements of {type_.name}")
        return
    wrong = [name for name in typed if name != type_.field]
    if wrong:
        _refuse("SC-MODEL-DTYPE", where, f"{type_.name} elements in {', '.join(wrong)} instead of {type_.field}")
    expected = -(-count // type_.elements) * type_.entries
    if typed.get(type_.field, 0) != expected:
        what = f"{typed.get(type_.field, 0)} entries of {type_.field} for {count} elements of {type_.name}"
        _refuse("SC-MODEL-TENSORSIZE", where, what)


def _inline(tensor: Any, stripped: Stripped) -> tuple[int | None, dict[str, int], bool]:
    """(bytes of raw_data or None, typed field -> number of entries if any, whether the payload was cut out)."""
    payload = stripped.payload_of(tensor)
    if payload is None:
        raw = len(tensor.raw_data) if tensor.HasField("raw_data") else None
        counts = {name: len(getattr(tensor, name)) for name in _TYPED_FIELDS}
    else:
        raw = next((field.bytes for field in payload.fields if field.elements is None), None)
        counts = {field.name: field.elements for field in payload.fields if field.elements is not None}
    return raw, {name: count for name, count in counts.items() if count}, payload is not None


def _type_of(where: str, tensor: Any) -> ElementType:
    known = BY_NUMBER.get(tensor.data_type)
    if known is None:
        _refuse("SC-MODEL-DTYPE", where, f"data type {tensor.data_type} is none that ONNX defines")
    return known


def _refuse(code: str, where: str, what: str) -> NoReturn:
    raise InputError(code, where, what, "export the model again, and report it to the exporter if it persists")

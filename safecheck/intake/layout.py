"""Where tensors are in a serialized ModelProto: field numbers and wire types of onnx.proto."""

from __future__ import annotations

from safecheck.intake.fields import FIXED32, FIXED64, LENGTH, VARINT

# Field number -> wire type. A number outside this table belongs to no ONNX version we know.
MODEL_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}

# Message -> field number -> (field, message in it or None to stay outside, singular?). The tests compare this table
# with the descriptors of the installed onnx: every way to a TensorProto is in it.
DESCENT: dict[str, dict[int, tuple[str, str | None, bool]]] = {
    "ModelProto": {
        7: ("graph", "GraphProto", True),
        20: ("training_info", "TrainingInfoProto", False),
        25: ("functions", "FunctionProto", False),
    },
    "TrainingInfoProto": {1: ("initialization", "GraphProto", True), 2: ("algorithm", "GraphProto", True)},
    "FunctionProto": {7: ("node", "NodeProto", False), 11: ("attribute_proto", "AttributeProto", False)},
    "GraphProto": {
        1: ("node", "NodeProto", False),
        5: ("initializer", "TensorProto", False),
        15: ("sparse_initializer", "SparseTensorProto", False),
    },
    "NodeProto": {5: ("attribute", "AttributeProto", False)},
    "AttributeProto": {
        5: ("t", "TensorProto", True),
        6: ("g", "GraphProto", True),
        10: ("tensors", "TensorProto", False),
        11: ("graphs", "GraphProto", False),
        14: ("tp", None, True),
        22: ("sparse_tensor", "SparseTensorProto", True),
        23: ("sparse_tensors", "SparseTensorProto", False),
    },
    "SparseTensorProto": {1: ("values", "TensorProto", True), 2: ("indices", "TensorProto", True)},
}

# TensorProto payload field -> (name, wire type of one element outside a packed run, bytes per packed element or None).
PAYLOAD_FIELDS: dict[int, tuple[str, int, int | None]] = {
    4: ("float_data", FIXED32, 4),
    5: ("int32_data", VARINT, None),
    6: ("string_data", LENGTH, None),
    7: ("int64_data", VARINT, None),
    9: ("raw_data", LENGTH, None),
    10: ("double_data", FIXED64, 8),
    11: ("uint64_data", VARINT, None),
}

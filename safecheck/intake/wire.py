"""Cut the large tensor payloads out of a serialized ModelProto, without parsing it.

    1.5 GB of model  ->  some hundred kB that protobuf parses in milliseconds, plus one record per payload

Only what can hold a payload is entered: a message shorter than the threshold is jumped over and copied as it is, so the
cost follows the number of fields per graph and not the size of the weights. What a field means is
known here, how fields follow each other in `fields`.
"""

from __future__ import annotations

import os
import re
from mmap import MADV_DONTNEED, mmap
from typing import Any

from safecheck.intake.fields import LENGTH, LONG, VARINT, Scan, varint_of
from safecheck.intake.layout import DESCENT, MODEL_FIELDS, PAYLOAD_FIELDS
from safecheck.intake.onnx_library import messages
from safecheck.limits import limit_bytes, way_out
from safecheck.values import dataclass

MARKER_KEY = "safecheck.payload"
SMALL = 4096
"""Bytes of payload that are read of any tensor."""
DEPTH_LIMIT = 100
_PAYLOADS_PER_RELEASE = 32
# Integers steer shapes and indices, and the parser wants every scale of a vector positive: so many times larger ones
# are kept.
_STEERING_FACTOR = 8
_INTEGER_TYPES = frozenset({6, 7, 9})  # INT32, INT64, BOOL

_SEGMENT, _EXTERNAL_DATA, _DATA_LOCATION = 3, 13, 14
# The run of dims and data_type that most tensors begin with, skipped in one step.
_DIMS_AND_TYPE = re.compile(rb"(?:[\x08\x10][\x80-\xff]{0,9}[\x00-\x7f]){1,64}")
_KEY = MARKER_KEY.encode()

_CONTINUATION_BYTES = bytes(range(0x80, 0x100))
_IS_CONTINUATION = bytes(0x80) + b"\1" * 0x80


@dataclass(frozen=True, slots=True)
class PayloadField:
    """One payload field of a cut tensor, all its occurrences together."""

    name: str
    """The TensorProto field, such as `raw_data`."""
    bytes: int
    """Bytes that count: of the last occurrence of raw_data (it replaces the others), of all occurrences otherwise."""
    elements: int | None
    """Entries of a repeated field; None for raw_data, where the data type decides."""
    occurrences: int
    """How often the field stands in the message."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What was cut out of one tensor."""

    fields: tuple[PayloadField, ...]
    """In the order of first appearance."""
    message: tuple[int, int]
    """Where the TensorProto is in the buffer."""
    raw: int
    """Where the raw data that count begin in the buffer, if there are any."""


@dataclass(frozen=True, slots=True)
class Stripped:
    """A serialized ModelProto without its large payloads."""

    data: bytes
    """The message to parse; cut tensors are marked as external."""
    payloads: tuple[Payload, ...]
    """The records that the markers number."""
    nonce: str
    """Random per run, so that no file can carry a valid marker of its own."""

    def payload_of(self, tensor: Any) -> Payload | None:
        """The record of a cut tensor; None for a tensor that is as its author wrote it."""
        index = marker_index(tensor, self.nonce)
        return None if index is None else self.payloads[index]


def kept_bytes(tensor: Any, threshold: int = SMALL) -> int:
    """Up to how many bytes a tensor is read: more of integers (indices and sizes) and of vectors (scales)."""
    steers = tensor.data_type in _INTEGER_TYPES or len(tensor.dims) == 1
    return _STEERING_FACTOR * threshold if steers else threshold


def marker_index(tensor: Any, nonce: str) -> int | None:
    """The number in the marker that `strip` left in this tensor, if it did."""
    entries = tensor.external_data
    if len(entries) != 1 or entries[0].key != MARKER_KEY:
        return None
    value = entries[0].value
    # protobuf hands out bytes where a string is not UTF-8: not ours either
    ours = isinstance(value, str) and value.startswith(f"{nonce}:")
    return int(value[len(nonce) + 1 :]) if ours else None


def strip(buffer: bytes | memoryview | mmap, threshold: int = SMALL, where: str = "") -> Stripped:
    """Copy a serialized ModelProto without the payloads of tensors above `threshold` bytes, 8 times that if they steer.

    `where` names the model in errors; it is printable already.

    Raises:
        InputError: SC-PB-WIRE, SC-PB-DUPFIELD, SC-PB-UNKNOWN, SC-LIM-DEPTH, SC-LIM-FIELDS or SC-LIM-STRING.
    """
    with memoryview(buffer) as view:
        walker = _Walker(Scan(view, where), threshold)
        try:
            size = walker.message("ModelProto", 0, len(view), "", 0)
            most = limit_bytes("text")
            if size > most:
                what = f"{size} bytes remain without the tensor data, the limit is {most}"
                todo = way_out("text", "remove documentation strings and metadata from the model")
                walker.scan.refuse("SC-LIM-STRING", "", 0, what, todo)
            return Stripped(b"".join(walker.pieces), tuple(walker.payloads), walker.nonce)
        finally:
            walker.pieces.clear()  # slices of a mapping would keep it open


class _Walker:
    """One pass over the buffer. `pieces` joined is the result; messages append to it and return their new size."""

    def __init__(self, scan: Scan, threshold: int) -> None:
        self.scan = scan
        self.threshold = threshold
        self.nonce = os.urandom(8).hex()
        self.marker_start = _marker(f"{self.nonce}:{0:010}".encode())[:-10]
        self.pieces: list[bytes | memoryview] = []
        self.payloads: list[Payload] = []
        self.own = 0  # so many pieces are copies, the rest are slices of the buffer

    def message(self, kind: str, start: int, end: int, path: str, depth: int) -> int:
        """Append one message. When nothing was cut from it, it is one piece."""
        if depth > DEPTH_LIMIT:
            todo = "flatten the nested subgraphs of the model"
            self.scan.refuse("SC-LIM-DEPTH", path[-200:], start, f"nested deeper than {DEPTH_LIMIT} messages", todo)
        view, pieces, steps, top = self.scan.view, self.pieces, DESCENT[kind], kind == "ModelProto"
        seen: set[str] = set()
        threshold, copied, size = self.threshold, start, 0
        for field_start, number, wire_type, value_start, value_end in self.scan.fields(start, end, path):
            if top:
                self.check_top_level(number, wire_type, field_start, value_end)
            step = steps.get(number)
            if step is None:
                continue
            name, inner, singular = step
            if wire_type != LENGTH:
                self.scan.broken(path, field_start, f"{name} with wire type {wire_type}")
            if singular:
                self.check_once(name, seen, path, field_start)
            if inner is None or value_end - value_start < threshold:
                continue
            mark, cut = len(pieces), len(self.payloads)
            pieces += (view[copied:field_start], b"")
            inner_path = f"{path}.{name}" if path else name
            if inner == "TensorProto":
                inner_size = self.tensor(value_start, value_end, inner_path)
            else:
                inner_size = self.message(inner, value_start, value_end, inner_path, depth + 1)
            if cut == len(self.payloads):
                del pieces[mark:]
                continue
            pieces[mark + 1] = header = varint_of(number << 3 | LENGTH) + varint_of(inner_size)
            size += field_start - copied + len(header) + inner_size
            copied = value_end
        pieces.append(view[copied:end])
        return size + end - copied

    def tensor(self, start: int, end: int, path: str) -> int:
        """Append one TensorProto, without its payload fields if they are large and unambiguous."""
        view, pieces, mark = self.scan.view, self.pieces, len(self.pieces)
        found: dict[str, PayloadField] = {}
        seen: set[str] = set()
        copied, size, payload_bytes, external, raw = start, 0, 0, False, 0
        head = _DIMS_AND_TYPE.match(view, start, end)
        rest = start if head is None else head.end()
        for field_start, number, wire_type, value_start, value_end in self.scan.fields(rest, end, path):
            if number in PAYLOAD_FIELDS:
                field = self.payload_field(number, wire_type, value_start, value_end, path)
                payload_bytes += field.bytes
                raw = value_start if field.elements is None else raw
                before = found.get(field.name)
                found[field.name] = field if before is None else _followed_by(before, field)
                if copied < field_start:
                    pieces.append(view[copied:field_start])
                    size += field_start - copied
                copied = value_end
            elif number == _EXTERNAL_DATA:
                external = True
            elif number == _DATA_LOCATION:
                # an explicit DEFAULT (onnx writes it when it loads external data) means nothing
                default = wire_type == VARINT and self.scan.varint(value_start, end, LONG, path)[0] == 0
                external = external or not default
            elif number == _SEGMENT:
                self.check_once("segment", seen, path, field_start)
        if external or payload_bytes <= self.threshold or self.steers(start, end, payload_bytes):
            del pieces[mark:]
            pieces.append(view[start:end])
            return end - start
        marker = self.marker_start + b"%010d" % len(self.payloads)
        pieces += (view[copied:end], marker)
        self.payloads.append(Payload(tuple(found.values()), (start, end), raw))
        if len(self.payloads) % _PAYLOADS_PER_RELEASE == 0:
            self.release()
        return size + end - copied + len(marker)

    def steers(self, start: int, end: int, payload_bytes: int) -> bool:
        """Whether so many bytes of this tensor are kept all the same."""
        limit = _STEERING_FACTOR * self.threshold
        if payload_bytes > limit or end - start > 2 * limit:
            return False
        tensor = messages().TensorProto()
        try:
            tensor.ParseFromString(bytes(self.scan.view[start:end]))
        except Exception:  # DecodeError: the parse of the whole model will say so
            return False
        return payload_bytes <= kept_bytes(tensor, self.threshold)

    def payload_field(self, number: int, wire_type: int, start: int, end: int, path: str) -> PayloadField:
        """Measure one occurrence; the payload itself is looked at only to count varints."""
        name, single, width = PAYLOAD_FIELDS[number]
        if wire_type == single:
            return PayloadField(name, end - start, None if name == "raw_data" else 1, 1)
        if wire_type != LENGTH:
            self.scan.broken(path, start, f"{name} with wire type {wire_type}")
        if width is None:
            return PayloadField(name, end - start, self.count_varints(start, end, path), 1)
        if (end - start) % width:
            self.scan.broken(path, start, f"{name} of {end - start} bytes, not a multiple of {width}")
        return PayloadField(name, end - start, (end - start) // width, 1)

    def count_varints(self, start: int, end: int, path: str, chunk: int = 1 << 20) -> int:
        """Every varint ends with its only byte below 0x80."""
        count = 0
        for at in range(start, end, chunk):
            # nine bytes of the chunk before, so that an over-long varint across the border is seen
            run = bytes(self.scan.view[max(start, at - 9) : min(at + chunk, end)]).translate(_IS_CONTINUATION)
            if b"\1" * 10 in run:
                self.scan.broken(path, at, "a varint of more than 10 bytes")
            count += len(bytes(self.scan.view[at : min(at + chunk, end)]).translate(None, _CONTINUATION_BYTES))
            if end - start > chunk:
                self.release()
        if end > start and self.scan.view[end - 1] >= 0x80:
            self.scan.broken(path, end, "a varint that does not end")
        return count

    def release(self) -> None:
        """Give pages of a mapped file back: a fault also maps the payload around the few bytes that were asked for."""
        mapping = self.scan.view.obj
        if not isinstance(mapping, mmap):
            return
        for index in range(self.own, len(self.pieces)):
            self.pieces[index] = bytes(self.pieces[index])
        self.own = len(self.pieces)
        mapping.madvise(MADV_DONTNEED)

    def check_top_level(self, number: int, wire_type: int, start: int, end: int) -> None:
        """Nothing may hide in a field of the ModelProto that no reader looks at."""
        if number not in MODEL_FIELDS:
            todo = "export the model again; bytes outside the ONNX format may hide content"
            self.scan.refuse("SC-PB-UNKNOWN", "", start, f"unknown field {number} of {end - start} bytes", todo)
        if wire_type != MODEL_FIELDS[number]:
            self.scan.broken("", start, f"field {number} with wire type {wire_type}")

    def check_once(self, name: str, seen: set[str], path: str, position: int) -> None:
        """A singular message field that stands twice is two messages in one."""
        if name in seen:
            what = f"{name} occurs twice; protobuf would merge the two"
            self.scan.refuse("SC-PB-DUPFIELD", path, position, what, "export the model again, or split joined files")
        seen.add(name)


def _followed_by(before: PayloadField, after: PayloadField) -> PayloadField:
    """The meaning of a field that occurs again: raw_data is replaced, a repeated field goes on."""
    occurrences = before.occurrences + 1
    if before.elements is None or after.elements is None:
        return PayloadField(after.name, after.bytes, None, occurrences)
    return PayloadField(after.name, before.bytes + after.bytes, before.elements + after.elements, occurrences)


def _marker(value: bytes) -> bytes:
    """The fields data_location = EXTERNAL and external_data = {MARKER_KEY: value}; all lengths are below 128."""
    entry = b"\x0a%c%b\x12%c%b" % (len(_KEY), _KEY, len(value), value)
    return b"%c\x01%c%c%b" % (_DATA_LOCATION << 3 | VARINT, _EXTERNAL_DATA << 3 | LENGTH, len(entry), entry)

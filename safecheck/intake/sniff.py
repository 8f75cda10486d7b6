"""Recognise by its first bytes a file that is not an ONNX model, so that the error can say what it is.

Only a sample is looked at: nothing is unpacked, unpickled or parsed.
"""

from __future__ import annotations

SAMPLE_BYTES = 512

_LFS_STARTS = (b"version https://git-lfs.", b"version https://hawser.")

# First bytes -> what such a file is. No serialized ModelProto begins like one of these: the first byte is no tag of it,
# or a tag with the wrong wire type.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive (a PyTorch checkpoint, TorchScript, .npz or packed download)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"ptrt", "a TensorRT plan"),
    (b"ftrt", "a TensorRT plan"),
    (b"%PDF-", "a PDF document"),
    (b"\x7fELF", "an ELF program or library"),
    (b"MZ", "a Windows program or library"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a Keras model)"),
    (b"GGUF", "a GGUF model"),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9", "a legacy PyTorch checkpoint"),
)
# The same for flatbuffers, which begin with a small little-endian offset and have their name at byte 4.
_FLATBUFFERS = ((b"TFL3", "a TensorFlow Lite model"), (b"ORTM", "an ONNX Runtime ORT model"))


def is_lfs_pointer(head: bytes) -> bool:
    """Whether the file is what Git leaves in place of a file that was not fetched."""
    return head.startswith(_LFS_STARTS)


def lfs_oid(pointer: bytes) -> str | None:
    """The SHA-256 of the file that a Git LFS pointer stands for; None if it does not say."""
    for line in pointer.splitlines():
        if line.startswith(b"oid sha256:"):
            oid = line.removeprefix(b"oid sha256:").decode("ascii", "replace").strip().lower()
            return oid if len(oid) == 64 and all(character in "0123456789abcdef" for character in oid) else None
    return None


def foreign_type(head: bytes) -> str | None:
    """What the file is, with its article, given its first SAMPLE_BYTES; None if it may be an ONNX model."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    for magic, name in _FLATBUFFERS:
        if head[2:8] == b"\0\0" + magic:
            return name
    if head[257:262] == b"ustar":
        return "a tar archive"
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "a Python pickle"
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000:
        return "a safetensors file"
    if not head.strip(b"\0"):
        return "a file of zeros"
    return _text_type(head)


def _text_type(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text"
    # a character may be cut at the end of the sample
    cut = 3 if len(head) >= SAMPLE_BYTES else 0
    text = None
    for end in range(len(head), len(head) - cut - 1, -1):
        try:
            text = head[:end].decode("utf-8-sig")
            break
        except UnicodeDecodeError:
            continue
    if text is None or any(ord(character) < 32 and character not in "\t\n\f\r\x1b" for character in text):
        return None
    start = text.lstrip()[:64].lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "an HTML page"
    if start.startswith("<"):
        return "an XML document"
    if start.startswith(("{", "[")):
        return "JSON text"
    return "a text file"

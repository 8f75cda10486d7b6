"""Losses, signals, parts of transformers, sequences."""

from __future__ import annotations

from generated.build import Build
from generated.registry import operand, strategy


@strategy("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(b: Build, op: str) -> None:
    shape = (b.number(1, 3), b.number(2, 4), *b.dims(0, 2))
    dtype = b.dtype(op)
    target = operand(b, b.dtype(op, "Tind", ("INT64", "INT32")), (shape[0], *shape[2:]))
    more = b.some(reduction=b.one("mean", "sum", "none"))
    b.node(op, [b.data(dtype, shape), target, b.one(None, b.weights(dtype, (shape[1],)))], **more)


@strategy("HannWindow", "HammingWindow", "BlackmanWindow")
def window(b: Build, op: str) -> None:
    b.node(op, [b.ints(b.number(1, 9))], **b.some(output_datatype=b.one(1, 10), periodic=b.one(0, 1)))


@strategy("MelWeightMatrix")
def mel(b: Build, op: str) -> None:
    parts = [b.ints(4), b.ints(16), b.ints(8000), b.scalar("FLOAT", 0.0), b.scalar("FLOAT", 4000.0)]
    b.node(op, parts)


@strategy("DFT")
def fourier(b: Build, op: str) -> None:
    shape = (b.number(1, 2), b.number(2, 6), b.one(1, 2))
    data = b.data(b.dtype(op, "T1"), shape)
    more = b.some(onesided=b.one(0, 1), inverse=b.one(0, 1))
    b.node(op, [data, None, b.one(None, b.ints(1))] if b.opset > 19 else [data], **more)


@strategy("STFT")
def short_fourier(b: Build, op: str) -> None:
    dtype = b.dtype(op, "T1")
    parts = [b.data(dtype, (1, 16, 1)), b.ints(4), b.one(None, b.weights(dtype, (8,))), b.one(None, b.ints(8))]
    b.node(op, parts)


@strategy("Attention")
def attention(b: Build, op: str) -> None:
    dtype = b.dtype(op, "T1")
    heads, batch, length, size = b.number(1, 3), b.number(1, 2), b.number(1, 4), b.number(1, 4)
    keys = b.number(1, 4)
    flat = b.chance(0.3)
    shapes = [(batch, heads, n, size) for n in (length, keys, keys)]
    if flat:
        shapes = [(batch, n, heads * size) for n in (length, keys, keys)]
    mask = b.one(None, None, operand(b, b.one(dtype, "BOOL"), (length, keys)))
    more = b.some(is_causal=b.one(0, 1), scale=0.5, softcap=b.one(0.0, 2.0) if b.chance(0.2) else None)
    more |= {"q_num_heads": heads, "kv_num_heads": heads} if flat else {}
    b.node(op, [*(b.data(dtype, shape) for shape in shapes), mask], **more)


@strategy("RotaryEmbedding")
def rotary(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    batch, heads, length, size = b.number(1, 2), b.number(1, 3), b.number(1, 4), 2 * b.number(1, 3)
    tables = [b.weights(dtype, (8, size // 2)) for _ in range(2)]
    position = b.data("INT64", (batch, length))
    b.node(op, [b.data(dtype, (batch, heads, length, size)), *tables, position], **b.some(interleaved=b.one(0, 1)))


@strategy("TensorScatter")
def tensor_scatter(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    parts = [b.data(dtype, (2, 3, 6, 4)), b.data(dtype, (2, 3, 2, 4)), b.one(None, b.data("INT64", (2,)))]
    b.node(op, parts, **b.some(mode=b.one("linear", "circular")))


@strategy("SequenceConstruct", "SequenceAt", "SequenceLength", "SequenceErase", "SequenceInsert", "ConcatFromSequence",
    "SequenceEmpty", "SplitToSequence")  # fmt: skip
def sequence(b: Build, op: str) -> None:
    shape, dtype = b.dims(1, 4), b.dtype("SequenceConstruct")
    if op == "SequenceEmpty":
        b.node(op, [], **b.some(dtype=b.one(1, 7)))
        return
    if op == "SplitToSequence":
        b.node(op, [b.data(dtype, shape), b.one(None, b.ints(1))], **b.some(axis=0))
        return
    (made,) = b.node("SequenceConstruct", [b.data(dtype, shape) for _ in range(b.number(1, 3))])
    if op in ("SequenceAt", "SequenceErase"):
        b.node(op, [made, b.ints(0)])
    elif op == "SequenceInsert":
        b.node(op, [made, b.data(dtype, shape)])
    elif op == "ConcatFromSequence":
        b.node(op, [made], axis=0, **b.some(new_axis=b.one(0, 1)))
    elif op == "SequenceLength":
        b.node(op, [made])


@strategy("Optional", "OptionalGetElement", "OptionalHasElement")
def optional(b: Build, op: str) -> None:
    (made,) = b.node("Optional", [b.data("FLOAT", b.dims())])
    if op != "Optional":
        b.node(op, [made])

"""Products of matrices and equations."""

from __future__ import annotations

from generated.build import Build, types_of
from generated.registry import broadcast, operand, strategy


@strategy("MatMul", "MatMulInteger", "QLinearMatMul")
def product(b: Build, op: str) -> None:
    batch = b.dims(0, 5, 3)
    rows, inner, columns = (b.number(1, 8) for _ in range(3))
    left, right = (*batch, rows, inner), (*broadcast(b, batch), inner, columns)
    if b.chance(0.1):
        left = (inner,)
    if b.chance(0.1):
        right = (inner,)
    if op == "MatMul":
        dtype = b.dtype(op)
        b.node(op, [b.data(dtype, left), operand(b, dtype, right)])
        return
    types = [b.weighted(types_of(op, b.opset, variable) or ("UINT8", "INT8")) for variable in ("T1", "T2")]
    if op == "MatMulInteger":
        zeros = [b.one(None, b.scalar(dtype, 1)) for dtype in types]
        b.node(op, [b.data(types[0], left), operand(b, types[1], right), *zeros])
        return
    scales = [(b.scalar("FLOAT", 0.5), b.scalar(dtype, 1)) for dtype in (*types, types[0])]
    b.node(op, [b.data(types[0], left), *scales[0], b.weights(types[1], right), *scales[1], *scales[2]])


@strategy("Gemm")
def gemm(b: Build, op: str) -> None:
    dtype = b.dtype(op)
    rows, inner, columns = (b.number(1, 8) for _ in range(3))
    more = b.some(alpha=b.one(1.0, 1.0, 0.5), beta=b.one(1.0, 1.0, 2.0), transA=b.one(0, 1), transB=b.one(0, 1))
    left = (inner, rows) if more.get("transA") else (rows, inner)
    right = (columns, inner) if more.get("transB") else (inner, columns)
    addend = b.one((columns,), (rows, columns), (1, columns), (rows, 1), (), (1,))
    third = b.weights(dtype, addend) if b.opset < 11 or b.chance(0.7) else None
    b.node(op, [b.data(dtype, left), b.weights(dtype, right), third], **more)


EQUATIONS = (
    "ij,jk->ik", "bij,bjk->bik", "ij->ji", "ij,ij->", "bhqd,bhkd->bhqk", "i,j->ij", "ij,jk", "ij->i", "ij->", "ii->i",
    "ii", "...ij,...jk->...ik", "i,i->", "ij,jk,kl->il", "bij,kj->bik", "ijk->kji", "ij, jk -> ik", "i->", "IJ,JK->IK",
    "abc,abd->acd", "ab,cd->abcd", "ij,i->j", "b...,b...->b", "i->i", "aij,bjk->abik",
)  # fmt: skip


@strategy("Einsum")
def einsum(b: Build, op: str) -> None:
    equation = b.draw.choice(EQUATIONS)
    sizes = {letter: b.number(1, 4) for letter in equation if letter.isalpha()}
    batch = b.dims(0, 2, 3)
    dtype = b.dtype(op)
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    shapes = [
        tuple(d for piece in _pieces(term) for d in (batch if piece == "..." else (sizes[piece],))) for term in terms
    ]
    b.node(op, [operand(b, dtype, shape) for shape in shapes], equation=equation)


def _pieces(term: str) -> list[str]:
    head, dots, tail = term.partition("...")
    return [*head, *([dots] if dots else ()), *tail]

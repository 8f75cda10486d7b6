"""What a node costs: value tables, unknown shapes, and what PyTorch counts for the same operation."""

from __future__ import annotations

import pytest

from safecheck.cost.macs import Precision, Volume, macs, volume
from safecheck.ir.signature import Scalar, Signature, Tensor


def tensor(*shape: int | str | None, dtype: str = "FLOAT") -> Tensor:
    return Tensor(dtype, shape)


def node(
    op_type: str,
    inputs: list[Tensor | None],
    output: Tensor,
    domain: str = "",
    **attributes: Scalar,
) -> Signature:
    return Signature(op_type, domain, 23, tuple(sorted(attributes.items())), tuple(inputs), (output,))


CONV = node("Conv", [tensor(2, 3, 8, 8), tensor(16, 3, 5, 5)], tensor(2, 16, 4, 4))

TABLE = [
    (CONV, 2 * 16 * 4 * 4 * 3 * 25),
    (node("Conv", [tensor(1, 8, 6, 6), tensor(8, 1, 3, 3), tensor(8)], tensor(1, 8, 6, 6), group=8), 8 * 36 * 9),
    (node("Conv", [tensor(1, 4, 9), tensor(6, 4, 3)], tensor(1, 6, 7)), 6 * 7 * 12),
    (node("ConvTranspose", [tensor(1, 4, 5, 5), tensor(4, 6, 2, 2)], tensor(1, 6, 10, 10)), 4 * 25 * 6 * 4),
    (node("ConvInteger", [tensor(1, 3, 4, 4, dtype="UINT8"), tensor(2, 3, 1, 1)], tensor(1, 2, 4, 4)), 2 * 16 * 3),
    (node("QLinearConv", [tensor(1, 3, 4, 4), None, None, tensor(2, 3, 1, 1)], tensor(1, 2, 4, 4)), 2 * 16 * 3),
    (node("MatMul", [tensor(5, 7), tensor(7, 11)], tensor(5, 11)), 5 * 7 * 11),
    (node("MatMul", [tensor(2, 3, 5, 7), tensor(7, 11)], tensor(2, 3, 5, 11)), 2 * 3 * 5 * 7 * 11),
    (node("MatMul", [tensor(7), tensor(7, 11)], tensor(11)), 7 * 11),
    (node("Gemm", [tensor(5, 7), tensor(7, 11)], tensor(5, 11)), 5 * 7 * 11),
    (node("Gemm", [tensor(7, 5), tensor(7, 11)], tensor(5, 11), transA=1), 5 * 7 * 11),
    (node("Gemm", [tensor(5, 7), tensor(7, 11)], tensor(5, 11), transA=0), 5 * 7 * 11),
    (node("Einsum", [tensor(2, 3, 4), tensor(2, 4, 5)], tensor(2, 3, 5), equation="bij, bjk -> bik"), 2 * 3 * 4 * 5),
    (node("Einsum", [tensor(3, 4), tensor(4, 5)], tensor(3, 5), equation="ij,jk"), 3 * 4 * 5),
    (node("Einsum", [tensor(2, 3, 4), tensor(4, 5)], tensor(2, 3, 5), equation="...ij,jk->...ik"), 2 * 3 * 4 * 5),
    (node("Einsum", [tensor(2, 3, 4), tensor(1, 4, 5)], tensor(2, 3, 5), equation="...ij,...jk"), 2 * 3 * 4 * 5),
    (node("Einsum", [tensor(3, 4), tensor(3, 4)], tensor(3, 4), equation="ij,ij->ij"), 0),
    (node("Einsum", [tensor(3, 4), tensor(5)], tensor(3, 5), equation="ij,k->ik"), 0),
    (node("Einsum", [tensor(3, 4)], tensor(4, 3), equation="ij->ji"), 0),
    (node("Einsum", [tensor(2), tensor(2), tensor(2)], tensor(), equation="i,i,i->"), None),
    (node("Einsum", [tensor(2, 3), tensor(3, 2)], tensor(2, 2), equation="ijk,jk->i"), None),
    (node("Einsum", [tensor(2, 3), tensor(3, 2)], tensor(2, 2)), None),
    (
        node("Attention", [tensor(2, 4, 10, 8), tensor(2, 4, 12, 8), tensor(2, 4, 12, 6)], tensor(2, 4, 10, 6)),
        2 * 4 * 10 * 12 * (8 + 6),
    ),
    (
        node("Attention", [tensor(2, 10, 32), tensor(2, 12, 16), tensor(2, 12, 12)], tensor(2, 10, 24),
             q_num_heads=4, kv_num_heads=2),
        2 * 4 * 10 * 12 * (8 + 6),
    ),
    (
        node("Attention",
             [tensor(2, 4, 1, 8), tensor(2, 4, 1, 8), tensor(2, 4, 1, 8), None, tensor(2, 4, 9, 8)],
             tensor(2, 4, 1, 8)),
        2 * 4 * 1 * 10 * 16,
    ),
    (node("Attention", [tensor(2, 10, 32), tensor(2, 12, 16), tensor(2, 12, 12)], tensor(2, 10, 24)), None),
    (node("LSTM", [tensor(7, 2, 3), tensor(1, 20, 3), tensor(1, 20, 5)], tensor(7, 1, 2, 5)), 7 * 2 * (60 + 100)),
    (node("LinearAttention", [tensor(1, 2, 3)], tensor(1, 2, 3)), None),
    (node("Relu", [tensor(4)], tensor(4)), 0),
    (node("Relu", [tensor(None)], tensor(None)), 0),
    (node("FusedConv", [tensor(4)], tensor(4), domain="com.microsoft"), None),
]  # fmt: skip


@pytest.mark.parametrize(("signature", "expected"), TABLE, ids=lambda value: getattr(value, "op_type", ""))
def test_multiply_accumulates(signature: Signature, expected: int | None) -> None:
    assert macs(signature) == expected


@pytest.mark.parametrize("signature", [row for row, count in TABLE if count], ids=lambda row: row.op_type)
def test_an_unknown_size_is_unknown_and_never_nothing(signature: Signature) -> None:
    for unknown in (None, (None,), ("N", 3, 4, 4)):
        blind = signature._replace(
            inputs=tuple(part and part._replace(shape=unknown) for part in signature.inputs),
            outputs=tuple(part and part._replace(shape=unknown) for part in signature.outputs),
        )
        assert macs(blind) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (tensor(2, 3), Volume(6, 0)),
        (tensor(2, 3, dtype="FLOAT16"), Volume(6, 0)),
        (tensor(), Volume(1, 0)),
        (tensor(0, 3), Volume(0, 0)),
        (tensor(2, 3, dtype="INT64"), Volume(0, 48)),
        (tensor(5, dtype="INT4"), Volume(0, 3)),
        (tensor(5, dtype="FLOAT8E4M3FN"), Volume(0, 5)),
        (tensor(5, dtype="STRING"), None),
        (tensor("N", 3), None),
        (Tensor(None, (2,)), None),
        (Tensor("FLOAT", None), None),
    ],
)
def test_volume(given: Tensor, expected: Volume | None) -> None:
    assert volume(given) == expected


def test_precision_scales_floats_only() -> None:
    sizes = [Volume(10, 3).bytes(precision) for precision in Precision]
    assert sizes == [43, 23, 13]


def test_torch_counts_the_same() -> None:
    torch = pytest.importorskip("torch")
    from torch.nn import functional
    from torch.utils.flop_counter import FlopCounterMode

    def shape(value: object) -> Tensor:
        return tensor(*value.shape)  # type: ignore[attr-defined]

    draw = torch.ones
    x, w, d = draw(2, 6, 9, 9), draw(8, 6, 3, 3), draw(6, 1, 5, 5)
    t, a, b = draw(6, 4, 2, 2), draw(3, 5, 7), draw(3, 7, 4)
    q, k, v = draw(2, 4, 10, 8), draw(2, 4, 12, 8), draw(2, 4, 12, 6)
    cases = [
        ("Conv", {}, [x, w], lambda: functional.conv2d(x, w, stride=2)),
        ("Conv", {"group": 6}, [x, d], lambda: functional.conv2d(x, d, padding=2, groups=6)),
        ("ConvTranspose", {}, [x, t], lambda: functional.conv_transpose2d(x, t, stride=2)),
        ("MatMul", {}, [a, b], lambda: a @ b),
        ("Gemm", {}, [a[0], b[0]], lambda: a[0] @ b[0]),
        ("Einsum", {"equation": "bij,bjk->bik"}, [a, b], lambda: torch.einsum("bij,bjk->bik", a, b)),
        ("Einsum", {"equation": "bij,bkj->bik"}, [a, a], lambda: torch.einsum("bij,bkj->bik", a, a)),
        ("Einsum", {"equation": "bij,bij->bij"}, [a, a], lambda: torch.einsum("bij,bij->bij", a, a)),
        ("Attention", {}, [q, k, v], lambda: functional.scaled_dot_product_attention(q, k, v)),
    ]
    for op_type, attributes, inputs, run in cases:
        mathematics = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with mathematics, FlopCounterMode(display=False) as counter:
            result = run()
        signature = node(op_type, [shape(part) for part in inputs], shape(result), **attributes)
        assert macs(signature) == counter.get_total_flops() / 2, op_type

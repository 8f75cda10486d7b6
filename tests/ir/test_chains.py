"""Shapes that are computed from shapes, block after block: no length of the chain may decide a verdict."""

from __future__ import annotations

import pytest
from case_files import model_from_text

from safecheck.ir.protos import tensor_from_value_info
from safecheck.ir.shape_inference import infer as module
from safecheck.ir.shape_inference.infer import infer

BLOCK = (
    "s{0} = Shape(x{0}) g{0} = Gather(s{0}, one) m{0} = Mul(g{0}, two) d{0} = Div(m{0}, two) "
    "u{0} = Unsqueeze(d{0}, zero) c{0} = Concat<axis=0>(ones, u{0}) r{0} = Reshape(x{0}, c{0}) x{1} = Relu(r{0}) "
)
CONSTANTS = "int64 one = {1}, int64 two = {2}, int64[1] zero = {0}, int64[1] ones = {1}"


@pytest.mark.parametrize("length", [1, 64, 66, 200])
def test_every_shape_of_a_chain_is_known_in_few_rounds(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = "".join(BLOCK.format(number, number + 1) for number in range(length))
    model = model_from_text(f"(float[1,16] x0) => (y) <{CONSTANTS}> {{ {blocks} y = Sigmoid(x{length}) }}")
    rounds = []
    whole = module._completed
    monkeypatch.setattr(module, "_completed", lambda *given: (rounds.append(1), whole(*given))[1])
    inferred = infer(model)
    assert inferred.problem == ""
    assert tensor_from_value_info(inferred.proto.graph.output[0]).dims == (1, 16)
    assert len(rounds) <= 2


@pytest.mark.parametrize("length", [2, 70])
def test_every_shape_of_a_chain_of_loops_is_known(length: int) -> None:
    loop = (
        "x{1} = Loop<body = b{0} (int64 i{0}, bool c{0}, v{0}) => (bool e{0}, w{0}) "
        "{{ e{0} = Identity(c{0}) w{0} = Relu(v{0}) }}>(n, k, x{0}) "
    )
    loops = "".join(loop.format(number, number + 1) for number in range(length))
    model = model_from_text(
        f"(float[2,3] x0) => (y) <int64 n = {{2}}, bool k = {{1}}> {{ {loops} y = Relu(x{length}) }}"
    )
    inferred = infer(model)
    assert inferred.problem == ""
    assert tensor_from_value_info(inferred.proto.graph.output[0]).dims == (2, 3)

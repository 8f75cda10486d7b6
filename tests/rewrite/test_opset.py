"""Down to an operator set below 18: the words that changed there, as torch.export writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from safecheck.errors import InputError
from safecheck.rewrite.canonicalize.opset import convert_opset

ort = pytest.importorskip("onnxruntime")


def model(text: str) -> Any:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 18]>\n{text}')


def answers(proto: Any, names: list[str]) -> list[Any]:
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    shape = tuple(session.get_inputs()[0].shape)
    values = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    found: list[Any] = session.run(names, {"x": values})
    return found


REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]
PADDED = "g (float[1,3,5] x) => (float[1,3,8] y) <int64[6] p = {0, 0, 1, 0, 0, 2}"
SAID: dict[str, str] = {
    "pad": PADDED + '> { y = Pad <mode = "constant"> (x, p) }',
    "pad with a value": PADDED + ", float v = {0.5}> { y = Pad (x, p, v) }",
    "pad by reflection": PADDED + '> { y = Pad <mode = "reflect"> (x, p) }',
    "split":
        "g (float[1,7] x) => (float[1,3] y, float[1,4] z) <int64[2] s = {3, 4}> { y, z = Split <axis = 1> (x, s) }",
    "split in equal parts":
        "g (float[1,6] x) => (float[1,3] y, float[1,3] z) { y, z = Split <axis = -1, num_outputs = 2> (x) }",
    "split with a rest":
        "g (float[7,1] x) => (float[3,1] y, float[3,1] z, float[1,1] w) { y, z, w = Split <num_outputs = 3> (x) }",
    "split of what is computed":
        """g (float[1,4] x) => (float[1,4] y, float[1,4] z) {
            d = Concat <axis = 1> (x, x) y, z = Split <axis = 1, num_outputs = 2> (d) }""",
    **{
        f"reduce {kind}": f"""g (float[2,3,4] x) => (float[2,1,4] y) <int64[1] a = {{1}}> {{
            e = Abs (x) y = Reduce{kind} <noop_with_empty_axes = 0, keepdims = 1> (e, a) }}"""
        for kind in REDUCTIONS
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_the_older_set_has_words_for_is_said_in_them(name: str) -> None:
    proto = model(SAID[name])
    outputs = [value.name for value in proto.graph.output]
    before = proto.SerializeToString()
    for opset in (17, 13):
        found = convert_opset(onnx.load_model_from_string(before), opset, "m")
        onnx.checker.check_model(found, full_check=True)
        assert [(entry.domain, entry.version) for entry in found.opset_import] == [("", opset)]
        for was, now in zip(answers(proto, outputs), answers(found, outputs), strict=True):
            np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize(
    "text",
    [
        PADDED.replace("int64[6] p = {0, 0, 1, 0, 0, 2}", "int64[2] p = {1, 2}, int64[1] a = {2}")
        + "> { y = Pad (x, p, , a) }",
        "g (float[1,n] x) => (float[1,k] y, float[1,m] z) { y, z = Split <axis = 1, num_outputs = 2> (x) }",
    ],
    ids=["axes of a pad", "parts of an open dimension"],
)
def test_what_it_has_no_words_for_is_refused_and_the_model_stays(text: str) -> None:
    proto = model(text)
    before = proto.SerializeToString()
    with pytest.raises(InputError, match="opset 18 cannot be converted to 17"):
        convert_opset(proto, 17, "m")
    assert proto.SerializeToString() == before


def test_a_branch_is_converted_too() -> None:
    text = "g (float[1,3,5] x, bool c) => (float[1,3,8] y) <int64[6] p = {0, 0, 1, 0, 0, 2}> { y = Pad (x, p) }"
    proto = model(text)
    (pad,) = proto.graph.node
    branch = helper.make_graph([pad], "branch", [], [helper.make_tensor_value_info("y", 1, (1, 3, 8))])
    del proto.graph.node[:]
    proto.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))
    found = convert_opset(proto, 17, "m")
    onnx.checker.check_model(found, full_check=True)

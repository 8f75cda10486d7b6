"""A report holds so many findings and no more: a model with more of them is one line, never a pass."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import onnx.helper
from processes import safecheck_text


def chain(path: Path, operator: str, count: int) -> None:
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    nodes = [onnx.helper.make_node(operator, [f"v{number}"], [f"v{number + 1}"]) for number in range(count)]
    graph = onnx.helper.make_graph(
        nodes, "g", [value("v0", kind, [1, 1, 1, 1])], [value(f"v{count}", kind, [1, 1, 1, 1])]
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


def test_more_findings_than_a_report_holds_are_one_line_in_every_format(tmp_path: Path) -> None:
    chain(tmp_path / "m.onnx", "ReduceMean", 20)
    chain(tmp_path / "good.onnx", "Sigmoid", 20)
    whole = safecheck_text("audit", "m.onnx", "--output", "json", "--limit-findings", 20, cwd=tmp_path)
    found = json.loads(whole.stdout)
    assert (whole.returncode, len(found["findings"])) == (1, 20)
    for name in ("text", "concise", "json", "jsonl", "html", "sarif", "junit", "markdown", "gitlab"):
        done = safecheck_text("audit", "m.onnx", "--output", f"{name}=o", "--limit-findings", 19, cwd=tmp_path)
        assert done.returncode == 3
        assert done.stderr.splitlines()[0] == (
            "error[SC-LIM-FINDINGS]: m.onnx: more than 19 findings when 20 of 20 nodes are judged; audit a part of the "
            "model, or give it more with --limit-findings"
        )
    both = safecheck_text("audit", "m.onnx", "good.onnx", "--limit-findings", 5, cwd=tmp_path)
    assert both.returncode == 3
    assert "COMPLIANT  good.onnx" in both.stdout


def test_a_limit_that_was_met_is_not_kept_as_an_answer(tmp_path: Path) -> None:
    chain(tmp_path / "m.onnx", "ReduceMean", 20)
    codes = [
        safecheck_text("audit", "m.onnx", "-q", "--limit-findings", most, cwd=tmp_path).returncode for most in (19, 99)
    ]
    assert codes == [3, 1]

"""Properties written into a serialized model: there for every reader, and all else byte for byte as it was."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from graph_models import named_like_syntax, nested
from report_models import hostile

from safecheck import audit_model
from safecheck.errors import InputError
from safecheck.intake.metadata import PREFIX, with_properties
from safecheck.usecases.annotate import annotate


def places(model: onnx.ModelProto) -> dict[tuple[str, int], onnx.NodeProto]:
    """Every node by scope and position, found with the library instead of our own reader."""
    found: dict[tuple[str, int], onnx.NodeProto] = {}

    def walk(nodes: list[onnx.NodeProto], path: str) -> None:
        for index, node in enumerate(nodes):
            found[path, index] = node
            for attribute in node.attribute:
                step = f"{path}/{index}:{attribute.name}" if path else f"{index}:{attribute.name}"
                if attribute.HasField("g"):
                    walk(list(attribute.g.node), step)
                for number, graph in enumerate(attribute.graphs):
                    walk(list(graph.node), f"{step}[{number}]")

    walk(list(model.graph.node), "")
    for function in model.functions:
        overload = f":{function.overload}" if function.overload else ""
        walk(list(function.node), f"function:{function.domain}:{function.name}{overload}")
    return found


def without_ours(model: onnx.ModelProto) -> bytes:
    for holder in (model, *places(model).values()):
        kept = [entry for entry in holder.metadata_props if not entry.key.startswith(PREFIX)]
        del holder.metadata_props[:]
        holder.metadata_props.extend(kept)
    return model.SerializeToString(deterministic=True)


@pytest.mark.parametrize("model", [nested(), named_like_syntax(), hostile()])
def test_every_node_gets_its_own_and_nothing_else_changes(model: onnx.ModelProto) -> None:
    model.metadata_props.add(key="author", value="somebody")
    model.graph.node[0].metadata_props.add(key="namespace", value="kept")
    before = model.SerializeToString()
    wanted = {place: {f"{PREFIX}place": f"{place[0]}|{place[1]}"} for place in places(model)}
    for _ in range(2):  # a second time replaces, and adds nothing
        data = b"".join(with_properties(memoryview(before), {f"{PREFIX}verdict": "x"}, wanted))
        made = onnx.ModelProto.FromString(data)
        for place, node in places(made).items():
            ours = [entry.value for entry in node.metadata_props if entry.key.startswith(PREFIX)]
            assert ours == [wanted[place][f"{PREFIX}place"]]
        assert [entry.key for entry in made.metadata_props] == ["author", f"{PREFIX}verdict"]
        before = data
    assert without_ours(made) == without_ours(onnx.ModelProto.FromString(model.SerializeToString()))


def test_the_copy_says_what_the_audit_says_and_gets_the_same_verdict(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(nested(), path)
    report = audit_model(str(path))
    pieces: list[bytes] = []
    assert annotate(report, lambda *given: pieces.extend(map(bytes, given)))
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(b"".join(pieces))
    made = onnx.load(copy)
    assert {entry.key: entry.value for entry in made.metadata_props}["safecheck.verdict"] == str(report.verdict)
    said = {place: {e.key: e.value for e in node.metadata_props} for place, node in places(made).items()}
    assert report.audit is not None
    for kind, node in zip(report.node_kinds, report.audit.nodes, strict=True):
        place = node.location.scope, node.location.index or 0
        assert said[place]["safecheck.verdict"] == kind
        for finding in report.findings:
            if finding.location == node.location:
                assert finding.message in said[place][f"safecheck.{finding.rule}"]
                assert said[place][f"safecheck.{finding.rule}.way-out"]
    again = audit_model(str(copy))
    assert (again.verdict, again.node_kinds) == (report.verdict, report.node_kinds)
    assert [one.fingerprint for one in again.findings] == [one.fingerprint for one in report.findings]


def test_a_file_that_changed_since_its_audit_is_not_annotated(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(nested(), path)
    report = audit_model(str(path))
    onnx.save(hostile(), path)
    with pytest.raises(InputError, match="changed"):
        annotate(report, lambda *given: None)

"""What is claimed, held against validators that others wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from assurance.conftest import DAY, RECORD

Run = Callable[..., tuple[int, str, str]]
CASES = {"good.onnx": "PASSED", "odd.onnx": "FAILED"}


@pytest.mark.parametrize(("model", "result"), CASES.items())
def test_the_statement_names_every_byte_and_how_it_ended(folder: Path, safecheck: Run, model: str, result: str) -> None:
    """Shape and words as the in-toto specifications have them: Statement v1, test-result v0.1."""
    code, out, _ = safecheck("attest", model)
    found = json.loads(out)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert (found["predicate"]["result"], code) == (result, 0 if result == "PASSED" else 1)
    files = {"good.onnx": ["good.onnx", "good.bin"], "odd.onnx": ["odd.onnx"]}[model]
    assert found["subject"] == [
        {"name": name, "digest": {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}} for name in files
    ]
    assert found["predicate"]["configuration"]
    lists = [set(found["predicate"][f"{kind}Tests"]) for kind in ("passed", "warned", "failed")]
    assert not lists[0] & lists[1]
    assert not lists[1] & lists[2]
    assert bool(lists[2]) == (result == "FAILED")


def test_the_statement_is_read_by_the_in_toto_library(folder: Path, safecheck: Run) -> None:
    statements = pytest.importorskip("in_toto_attestation.v1.statement")
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2

    found = json.loads(safecheck("attest", "good.onnx")[1])
    message = json_format.ParseDict(found, statement_pb2.Statement())
    statements.Statement.copy_from_pb(message).validate()
    result = pytest.importorskip("in_toto_attestation.predicates.test_result.v0.test_result_pb2")
    json_format.ParseDict(found["predicate"], result.TestResult(), ignore_unknown_fields=True)


def test_a_deviation_warns_and_an_undecided_model_fails(folder: Path, safecheck: Run) -> None:
    rule = json.loads(safecheck("audit", "odd.onnx", "--output", "json")[1])["findings"][0]["rule"]
    sha256 = hashlib.sha256((folder / "odd.onnx").read_bytes()).hexdigest()
    (folder / "d.yaml").write_text(RECORD.format(rule=rule, sha256=sha256), encoding="utf-8")
    found = json.loads(safecheck("attest", "odd.onnx", "--deviations", "d.yaml", "--as-of", DAY)[1])
    assert found["predicate"]["result"] == "WARNED"
    assert found["predicate"]["warnedTests"] == [rule]
    bom = safecheck("attest", "odd.onnx", "--deviations", "d.yaml", "--as-of", DAY, "--output", "cyclonedx")[1]
    assert "approved by Bob Sample" in bom


@pytest.mark.parametrize("model", CASES)
def test_the_bill_of_materials_is_valid(folder: Path, safecheck: Run, model: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = safecheck("attest", model, "--output", "cyclonedx")[1]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    refs = [part["bom-ref"] for part in _objects(found) if "bom-ref" in part]
    assert len(refs) == len(set(refs))
    named = {ref for part in found["declarations"]["claims"] for ref in (*part["evidence"], *part["counterEvidence"])}
    assert named <= set(refs)
    scores = {part["conformance"]["score"] for part in found["declarations"]["attestations"][0]["map"]}
    assert scores == ({1} if model == "good.onnx" else {0, 1})
    assert "timestamp" not in found["metadata"]
    assert safecheck("attest", model, "--output", "cyclonedx")[1] == text


def test_what_cannot_be_read_is_not_attested(folder: Path, safecheck: Run) -> None:
    (folder / "odd.onnx").write_bytes(b"nothing")
    code, out, err = safecheck("attest", "odd.onnx")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1


def _objects(value: object) -> list[dict[str, object]]:
    if isinstance(value, dict):
        return [value, *(part for inner in value.values() for part in _objects(inner))]
    return [part for inner in value for part in _objects(inner)] if isinstance(value, list) else []

"""Evidence: taken over from elsewhere, bound to one model, and attached to an audit."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import processes
import pytest
from fake_trtexec import REFUSAL, SUCCESS, trtexec
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from safecheck.audit.evidence import BuildEvidence, Refusal
from safecheck.audit.report import Report
from safecheck.errors import UsageError
from safecheck.finding import ModelVerdict
from safecheck.nvidia import record
from safecheck.nvidia.evidence import held_against
from safecheck.render import RENDERERS, plain
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

ROOT = Path(__file__).parents[2]
COMPLIANT = ROOT / "examples" / "csa-block.onnx"
REFUSED = ROOT / "examples" / "csa-block-refused.onnx"
TEXT = """&&&& RUNNING TensorRT.trtexec [TensorRT v8611] # trtexec --onnx={model} --saveEngine=x --restricted --fp16
[11/26/2026-10:00:00] [I] Precision: FP32+FP16
[11/26/2026-10:00:00] [I] Safe mode: Disabled
[11/26/2026-10:00:00] [I] Restricted mode: Enabled
[11/26/2026-10:00:00] [I] Selected Device: Orin
{rest}
&&&& {end} TensorRT.trtexec [TensorRT v8611] # trtexec
"""
NO = "[E] Error[4]: Error Code 4: Internal Error (Layer node_avg_pool2d failed DriveOS 6.0 safety scope validation)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(COMPLIANT, tmp_path / "m.onnx")
    (tmp_path / "m.engine").write_bytes(b"engine")
    return tmp_path


def safecheck(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder)


def log(
    folder: Path, model: str = "/target/m.onnx", rest: str = "[I] Engine built in 9.5 sec.", end: str = "PASSED"
) -> Path:
    path = folder / "build.log"
    path.write_text(TEXT.format(model=model, rest=rest, end=end), encoding="utf-8")
    return path


def loaded(folder: Path, name: str = "m.engine.evidence.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def test_a_build_made_elsewhere_is_bound_to_the_model(folder: Path) -> None:
    done = safecheck("build", "m.onnx", "--import", log(folder), "m.engine", folder=folder)
    assert done.returncode == 0, done.stderr
    build = loaded(folder)["build"]
    assert build["backend"] == "imported"
    assert (build["tensorrt"], build["gpu"], build["seconds"]) == ("8.6.11", "Orin", 9.5)
    assert build["scope_checked"] is True
    assert build["flags_set"] == ["--restricted", "--fp16"]
    assert build["flags_effective"] == ["EngineCapability.STANDARD", "SAFETY_SCOPE", "FP16"]
    assert len(build["engine_sha256"]) == len(build["log_sha256"]) == 64
    audited = safecheck("audit", "m.onnx", "--evidence", "m.engine.evidence.json", folder=folder)
    assert audited.returncode == 0, audited.stderr
    assert "built an engine (imported TensorRT 8.6.11; safety scope checked)" in audited.stdout


def test_a_refusal_elsewhere_makes_the_audit_non_compliant(folder: Path) -> None:
    done = safecheck("build", "m.onnx", "--import", log(folder, rest=NO, end="FAILED"), "-", folder=folder)
    assert done.returncode == 1
    assert "DISAGREE: the builder refuses a network that the audit allows" in done.stdout
    audited = safecheck("audit", "m.onnx", "--evidence", "m.engine.evidence.json", "--output", "json", folder=folder)
    report = json.loads(audited.stdout)
    assert (audited.returncode, report["exit_code"], report["verdict"]) == (1, 1, "non-compliant")
    assert report["build"]["errors"][0]["location"]["node"] == "node_avg_pool2d"
    assert report["build"]["disagreement"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"model": "/target/other.onnx"}, 2),
        ({"end": "RUNNING"}, 3),
        ({"end": "FAILED"}, 3),
    ],
)
def test_what_does_not_belong_together_is_refused(folder: Path, arguments: dict[str, str], code: int) -> None:
    done = safecheck("build", "m.onnx", "--import", log(folder, **arguments), "m.engine", folder=folder)
    assert done.returncode == code
    assert done.stderr.startswith("error[SC-")
    assert done.stderr.count("\n") == 1
    assert not (folder / "m.engine.evidence.json").exists()


def test_garbage_and_missing_files_are_refused(folder: Path) -> None:
    garbage = folder / "garbage"
    garbage.write_bytes(bytes(range(256)) * 100)
    assert safecheck("build", "m.onnx", "--import", garbage, "m.engine", folder=folder).returncode == 3
    assert safecheck("build", "m.onnx", "--import", "missing", "m.engine", folder=folder).returncode == 2
    (folder / "m.engine").write_bytes(b"")
    assert safecheck("build", "m.onnx", "--import", log(folder), "m.engine", folder=folder).returncode == 3


def test_evidence_of_another_model_is_refused(folder: Path) -> None:
    safecheck("build", "m.onnx", "--import", log(folder), "m.engine", folder=folder)
    shutil.copy(REFUSED, folder / "other.onnx")
    done = safecheck("audit", "other.onnx", "--evidence", "m.engine.evidence.json", folder=folder)
    assert done.returncode == 2
    assert done.stderr.startswith("error[SC-EVI-MODEL]")
    assert done.stdout == ""
    both = safecheck("audit", "other.onnx", "m.onnx", "--evidence", "m.engine.evidence.json", folder=folder)
    assert both.returncode == 1
    assert both.stdout.count("built an engine") == 1
    twice = safecheck("audit", "m.onnx", *["--evidence", "m.engine.evidence.json"] * 2, folder=folder)
    assert twice.returncode == 2


def test_evidence_is_bound_to_the_weights_too(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.ones((8, 8, 1, 1), np.float32), "w")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv")],
        "g",
        [value("x", TensorProto.FLOAT, [1, 8, 4, 4])],
        [value("y", TensorProto.FLOAT, [1, 8, 4, 4])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    program = trtexec(tmp_path, SUCCESS)
    assert safecheck("build", "m.onnx", "--trtexec", program, folder=tmp_path).returncode == 0
    evidence = ("--evidence", "m.engine.evidence.json")
    assert safecheck("audit", "m.onnx", *evidence, folder=tmp_path).returncode == 0
    (tmp_path / "w.bin").write_bytes(bytes(256))
    changed = safecheck("audit", "m.onnx", *evidence, folder=tmp_path)
    assert changed.returncode == 2
    assert "weight files" in changed.stderr


def test_evidence_of_another_generation_proves_nothing(folder: Path) -> None:
    program = trtexec(folder, REFUSAL.format(layer="node_avg_pool2d"))
    safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    evidence = ("--evidence", "m.engine.evidence.json")
    assert safecheck("audit", "m.onnx", *evidence, folder=folder).returncode == 1
    other = safecheck(
        "audit", "m.onnx", *evidence, "--profile", "tensorrt-11-safety", "--output", "json", folder=folder
    )
    report = json.loads(other.stdout)
    assert report["build"]["scope_checked"] is False
    assert report["build"]["refused"] is False
    assert "safety scopes differ" in report["build"]["reason"]
    assert report["verdict"] == "inconclusive"


def kept(folder: Path) -> tuple[Path, dict[str, Any]]:
    safecheck("build", "m.onnx", "--import", log(folder, rest=NO, end="FAILED"), "-", folder=folder)
    return folder / "m.engine.evidence.json", loaded(folder)


def test_what_is_written_is_read_back(folder: Path) -> None:
    path, _ = kept(folder)
    found = record.read(str(path)).build
    model = audit_model(str(folder / "m.onnx"), profile("tensorrt-8.6-restricted")).model
    assert model is not None
    path.write_text(record.write(model, {"id": "x"}, None, found, "2026-11-26"), encoding="utf-8")
    assert record.read(str(path)).build == found
    assert found.errors[0].location is not None


def test_a_changed_file_is_refused_in_one_line(folder: Path) -> None:
    path, good = kept(folder)

    def broken(change: Any) -> str:
        found = json.loads(json.dumps(good))
        change(found)
        path.write_text(json.dumps(found), encoding="utf-8")
        with pytest.raises(UsageError) as error:
            record.read(str(path))
        return str(error.value)

    for key in good:
        assert broken(lambda found, key=key: found.pop(key))
    for key in good["build"]:
        assert key in broken(lambda found, key=key: found["build"].pop(key))
        assert key in broken(lambda found, key=key: found["build"].update({key: {"x": 1}}))
    assert "mystery" in broken(lambda found: found["build"].update(mystery=1))
    assert "sha256" in broken(lambda found: found["model"].update(sha256="A" * 64))
    assert broken(lambda found: found["build"].update(succeeded=None, scope_checked=True))
    for text in ("", "[]", "{", '{"schema": "safecheck/evidence/1", "schema": 1}', "[" * 100_000, "\0"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError):
            record.read(str(path))
    assert safecheck("audit", "m.onnx", "--evidence", path, folder=folder).returncode == 2


ANSWERS = st.builds(
    BuildEvidence,
    backend=st.sampled_from(["tensorrt", "trtexec", "imported"]),
    succeeded=st.sampled_from([True, False, None]),
    scope_checked=st.booleans(),
    tensorrt=st.sampled_from(["", "8.4.12", "8.6.1", "8.6.11", "10.10.1", "10.16.0", "11.1.0"]),
    flags_effective=st.lists(
        st.sampled_from(["SAFETY_SCOPE", "EngineCapability.SAFETY", "EngineCapability.DLA_STANDALONE", "FP16"])
    ).map(tuple),
    refused=st.booleans(),
)
_GOODNESS = [ModelVerdict.NON_COMPLIANT, ModelVerdict.INCONCLUSIVE, ModelVerdict.COMPLIANT]
REPORTS = [
    audit_model(str(path), profile(name))
    for path in (COMPLIANT, REFUSED)
    for name in ("tensorrt-8.6-restricted", "tensorrt-10-safety", "tensorrt-11-safety")
]


@given(ANSWERS, st.sampled_from(REPORTS))
@settings(max_examples=300, deadline=None)
def test_no_build_ever_makes_a_verdict_better(build: BuildEvidence, report: Report) -> None:
    said = replace(report, build=build)
    assert _GOODNESS.index(said.verdict) <= _GOODNESS.index(report.verdict)
    if build.refused:
        assert (said.verdict, said.exit_code) == (ModelVerdict.NON_COMPLIANT, 1)
    elif not build.succeeded:
        assert said.exit_code != 0
    held = held_against(build, report.profile.target)
    assert (held.scope_checked, held.refused) <= (build.scope_checked, True)
    assert not (held.scope_checked and not build.scope_checked)
    assert not (held.refused and not build.refused)
    assert held_against(held, report.profile.target) == held


def test_a_baseline_does_not_cover_what_the_builder_refuses() -> None:
    report = REPORTS[3]
    assert report.audit is not None
    debt = frozenset(finding.fingerprint for finding in report.audit.findings)
    known = replace(report, decisions=replace(report.decisions, baseline="0" * 64, debt=debt))
    built = BuildEvidence("trtexec", True, True, tensorrt="8.6.11")
    assert known.exit_code == 0
    assert replace(known, build=built).exit_code == 0
    assert replace(known, build=replace(built, succeeded=False, refused=True)).exit_code == 1
    assert replace(known, build=replace(built, succeeded=None)).exit_code == 1


@pytest.mark.parametrize("name", ["sarif", "junit", "gitlab", "markdown", "html", "text"])
def test_no_format_hides_what_the_builder_refuses(name: str) -> None:
    refusal = Refusal("layer-x", "out of scope, says the builder", None)
    build = BuildEvidence("trtexec", False, True, tensorrt="8.6.11", errors=(refusal,), refused=True)
    said, without = (
        plain(RENDERERS["audit"][name]([report])) for report in (replace(REPORTS[0], build=build), REPORTS[0])
    )
    assert "out of scope, says the builder" in said
    assert said != without

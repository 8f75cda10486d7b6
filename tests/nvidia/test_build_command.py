"""`safecheck build` as a user meets it: a real process, executables that behave like trtexec, well and badly."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import processes
import pytest
from fake_trtexec import REFUSAL, SUCCESS, trtexec

ROOT = Path(__file__).parents[2]
COMPLIANT = ROOT / "examples" / "csa-block.onnx"
REFUSED = ROOT / "examples" / "csa-block-refused.onnx"
NODE = "node_avg_pool2d"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(COMPLIANT, tmp_path / "m.onnx")
    return tmp_path


def safecheck(*arguments: object, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder, environment={**os.environ, **more})


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"m.onnx", "trtexec"}


def evidence_of(folder: Path, name: str = "m.engine.evidence.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_build_keeps_engine_log_layers_and_evidence(folder: Path) -> None:
    program = trtexec(folder, SUCCESS)
    done = safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "built an engine (trtexec TensorRT 8.6.11; safety scope checked)" in done.stdout
    assert "DISAGREE" not in done.stdout
    assert left(folder) == {"m.engine", "m.engine.log", "m.engine.layers.json", "m.engine.evidence.json"}
    build = evidence_of(folder)["build"]
    assert evidence_of(folder)["model"]["sha256"] == sha256(folder / "m.onnx")
    assert build["engine_sha256"] == sha256(folder / "m.engine")
    assert build["log_sha256"] == sha256(folder / "m.engine.log")
    assert build["layers_sha256"] == sha256(folder / "m.engine.layers.json")
    assert (build["tensorrt"], build["gpu"], build["seconds"]) == ("8.6.11", "Orin", 1.5)
    assert build["flags_set"] == ["EngineCapability.STANDARD", "SAFETY_SCOPE", "FP16", "EXPLICIT_BATCH"]
    assert build["flags_effective"] == ["EngineCapability.STANDARD", "SAFETY_SCOPE", "FP16"]
    assert "--restricted --fp16" in build["command"]


def test_the_page_to_sign_bears_the_day_and_the_annex_that_were_asked_for(folder: Path) -> None:
    program = trtexec(folder, SUCCESS)
    asked = ("--output", "html=m.html", "--reviewed-as-of", "2026-11-30", "--annex", "none")
    done = safecheck("build", "m.onnx", "--trtexec", program, *asked, folder=folder)
    assert done.returncode == 0, done.stderr
    page = (folder / "m.html").read_text(encoding="utf-8")
    assert "reviewed as of 2026-11-30" in page
    assert '<body class="annex-none">' in page


def test_a_success_makes_no_verdict_better(folder: Path) -> None:
    shutil.copy(REFUSED, folder / "m.onnx")
    program = trtexec(folder, SUCCESS)
    done = safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    assert done.returncode == 1
    assert "DISAGREE: the builder accepts a network that the audit forbids" in done.stdout


def test_a_refusal_of_what_the_audit_allows_is_the_loudest_line(folder: Path) -> None:
    program = trtexec(folder, REFUSAL.format(layer=NODE))
    done = safecheck("build", "m.onnx", "--trtexec", program, "--output", "text", folder=folder)
    assert done.returncode == 1
    assert "AUDIT AND BUILDER DISAGREE: the builder refuses a network that the audit allows" in done.stdout
    assert f"[38] {NODE}  AveragePool; no rule here speaks of it" in done.stdout
    assert "audit     compliant" in done.stdout
    assert "builder   refuses the network" in done.stdout
    assert left(folder) == {"m.engine.log", "m.engine.evidence.json"}
    build = evidence_of(folder)["build"]
    assert build["refused"] is True
    assert build["errors"][0]["location"]["node"] == NODE
    assert len(build["errors"]) == 1


def test_the_json_report_holds_both_sides(folder: Path) -> None:
    program = trtexec(folder, REFUSAL.format(layer=NODE))
    done = safecheck("build", "m.onnx", "--trtexec", program, "--output", "json", folder=folder)
    report = json.loads(done.stdout)
    assert (report["verdict"], report["exit_code"], done.returncode) == ("non-compliant", 1, 1)
    assert report["build"]["disagreement"] == "the builder refuses a network that the audit allows"
    assert report["findings"] == []


BAD = {
    "SC-BUILD-CRASH": "begin(); open(ARGS['--saveEngine'], 'wb').write(b'half'); os.kill(os.getpid(), 11)",
    "SC-BUILD-TIMEOUT": "begin(); engine(); time.sleep(1000)",
    "SC-BUILD-GARBAGE": "os.write(1, bytes(range(256)) * 1000)",
    "SC-BUILD-NOENGINE": "begin(); end()",
    "SC-BUILD-HALF": "begin(); engine(b'x' * 1000, said=5000); end()",
    "SC-BUILD-FAILED": "begin(); end('FAILED')",
}


@pytest.mark.parametrize("code", BAD)
def test_a_bad_builder_leaves_a_clear_error_and_no_engine(code: str, folder: Path) -> None:
    program = trtexec(folder, BAD[code])
    started = time.monotonic()
    limit = 3 if code == "SC-BUILD-TIMEOUT" else 600
    done = safecheck("build", "m.onnx", "--trtexec", program, "--timeout", limit, folder=folder)
    assert done.returncode == 3
    assert done.stderr.startswith(f"error[{code}]: ")
    assert done.stderr.count("\n") == 1
    assert "m.engine.failed.log" in done.stderr
    assert "INCONCLUSIVE" in done.stdout
    assert "gave no answer" in done.stdout
    assert left(folder) == {"m.engine.failed.log"}
    assert time.monotonic() - started < 600, "it was left to sleep"


def test_exit_code_and_log_must_agree(folder: Path) -> None:
    program = trtexec(folder, "begin(); engine(); print(LINE.format('PASSED')); sys.exit(7)")
    done = safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    assert done.returncode == 3
    assert "contradict" in done.stderr
    assert "m.engine" not in left(folder)


def test_an_earlier_engine_survives_a_bad_builder_with_its_log_and_evidence(folder: Path) -> None:
    safecheck("build", "m.onnx", "--trtexec", trtexec(folder, SUCCESS), folder=folder)
    before = {name: sha256(folder / name) for name in left(folder)}
    done = safecheck("build", "m.onnx", "--trtexec", trtexec(folder, BAD["SC-BUILD-CRASH"]), folder=folder)
    assert done.returncode == 3
    assert {name: sha256(folder / name) for name in before} == before


def test_without_a_builder_one_line_says_what_to_do(folder: Path) -> None:
    done = safecheck("build", "m.onnx", "--python", sys.executable, folder=folder)
    if "TensorRT" in done.stdout:
        pytest.skip("TensorRT is installed here")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for word in ("nothing was built", "--trtexec", "--plan", "--import"):
        assert word in done.stderr
    missing = safecheck("build", "m.onnx", "--trtexec", "/nowhere/trtexec", folder=folder)
    assert (missing.returncode, missing.stderr.count("\n")) == (3, 1)
    assert left(folder) == set()


def test_from_10_16_on_a_standard_build_proves_nothing(folder: Path) -> None:
    program = trtexec(folder, SUCCESS, code=101600)
    done = safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    assert done.returncode == 0  # the audit's own, at best
    assert "safety scope NOT checked" in done.stdout
    assert evidence_of(folder)["build"]["scope_checked"] is False
    assert "proves nothing" in evidence_of(folder)["build"]["reason"]
    inconclusive = safecheck("build", "m.onnx", "--trtexec", program, "--profile", "tensorrt-11-safety", folder=folder)
    assert inconclusive.returncode == 3
    build = evidence_of(folder)["build"]
    assert build["flags_effective"][0] == "EngineCapability.SAFETY"
    assert build["scope_checked"] is True


def test_without_safety_builds_it_builds_a_standard_engine_and_says_so(folder: Path) -> None:
    body = """
begin()
if "--safe" in ARGS:
    say("[E] Safety is not supported because safety runtime library is unavailable.")
    end("FAILED")
engine()
end()
"""
    program = trtexec(folder, body, code=110000)
    done = safecheck("build", "m.onnx", "--trtexec", program, "--profile", "tensorrt-11-safety", folder=folder)
    assert done.returncode == 3
    build = evidence_of(folder)["build"]
    assert (build["succeeded"], build["scope_checked"], build["refused"]) == (True, False, False)
    assert (folder / "m.engine").is_file()


def test_a_flag_that_is_not_in_force_proves_nothing(folder: Path) -> None:
    program = trtexec(folder, "begin(restricted='Disabled'); engine(); end()")
    safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    build = evidence_of(folder)["build"]
    assert "SAFETY_SCOPE" in build["flags_set"]
    assert "SAFETY_SCOPE" not in build["flags_effective"]
    assert build["scope_checked"] is False


def test_the_plan_is_printed_and_nothing_is_done(folder: Path) -> None:
    done = safecheck("build", "m.onnx", "--plan", folder=folder)
    assert done.returncode == 0
    assert left(folder) == set()
    assert done.stdout.splitlines()[-1].startswith("trtexec --onnx=m.onnx --saveEngine=m.engine --restricted")
    other = safecheck("build", "m.onnx", "--plan", "--tensorrt", "10.16.1", "--output", "json", folder=folder)
    found = json.loads(other.stdout)
    assert found["capability"] == "STANDARD"
    assert "proves nothing" in found["note"]


@pytest.mark.parametrize("name", ["-rf.onnx", "a b'c.onnx", "$(touch x).onnx", "é\u202e.onnx", "--safe.onnx"])
def test_hostile_names_reach_trtexec_as_they_are(name: str, folder: Path) -> None:
    program = trtexec(folder, "open('seen', 'w').write(ARGS['--onnx'])\n" + SUCCESS)
    (folder / "m.onnx").rename(folder / name)
    done = safecheck("build", "--trtexec", program, "--engine", "out.engine", "--", name, folder=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "seen").read_text(encoding="utf-8") == name
    assert not (folder / "x").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--engine", "m.onnx"],
        ["--evidence", "m.engine"],
        ["--engine", "missing/m.engine"],
        ["--backend", "trtexec"],
        ["--backend", "tensorrt"],
        ["--batch", "7"],
        ["--precision", "int8"],
        ["--tensorrt", "x"],
        ["--tensorrt", "10.0"],
        ["--import", "a", "b"],
    ],
)
def test_wrong_usage_is_one_line_and_writes_nothing(arguments: list[str], folder: Path) -> None:
    program = trtexec(folder, SUCCESS)
    given = [] if arguments == ["--backend", "trtexec"] else ["--trtexec", program]
    done = safecheck("build", "m.onnx", *given, *arguments, folder=folder)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.startswith("error[SC-")
    assert done.stderr.count("\n") == 1
    assert left(folder) == set()
    assert sha256(folder / "m.onnx") == sha256(COMPLIANT)


def test_a_model_that_changes_during_the_build_is_not_what_was_audited(folder: Path) -> None:
    program = trtexec(folder, "open(ARGS['--onnx'], 'ab').write(b'x')\n" + SUCCESS)
    done = safecheck("build", "m.onnx", "--trtexec", program, folder=folder)
    assert done.returncode == 3
    assert done.stderr.startswith("error[SC-IO-CHANGED]")
    assert "m.engine.evidence.json" not in left(folder)


def test_a_trtexec_that_does_not_say_its_release_is_told(folder: Path) -> None:
    program = trtexec(folder, SUCCESS)
    text = program.read_text(encoding="utf-8").replace('[TensorRT v" + str(CODE) + "] # "', '# "')
    program.write_text(text, encoding="utf-8")
    arguments = ["build", "m.onnx", "--trtexec", program, "--profile", "tensorrt-6-safe"]
    silent = safecheck(*arguments, folder=folder)
    assert evidence_of(folder)["build"]["scope_checked"] is False
    assert "does not say which TensorRT" in evidence_of(folder)["build"]["reason"]
    told = safecheck(*arguments, "--tensorrt", "6.3.1", folder=folder)
    build = evidence_of(folder)["build"]
    assert (build["tensorrt"], build["scope_checked"]) == ("6.3.1", True), told.stderr
    assert build["flags_effective"] == ["EngineCapability.SAFE_GPU", "FP16"]
    assert silent.returncode == told.returncode

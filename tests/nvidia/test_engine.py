"""The backend with the Python package, against the APIs of 8.6, 10.x and 11.x, and once against the real library."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import processes
import pytest
from fake_tensorrt import install

from safecheck.nvidia import engine

ROOT = Path(__file__).parents[2]
PROFILES = {"8.6.1": "tensorrt-8.6-restricted", "10.13.2.6": "tensorrt-10-safety", "11.4.0.106": "tensorrt-11-safety"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "examples" / "csa-block.onnx", tmp_path / "m.onnx")
    return tmp_path


def safecheck(*arguments: object, folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder, environment={**os.environ, "PYTHONPATH": str(path)})


def built(folder: Path, version: str, behaviour: str = "", profile: str = "") -> tuple[int, dict[str, Any], str]:
    (path := folder / "site").mkdir(exist_ok=True)
    install(path, version, behaviour)
    done = safecheck(
        "build", "m.onnx", "--profile", profile or PROFILES[version], "--engine", "e", folder=folder, path=path
    )
    kept = folder / "e.evidence.json"
    found = json.loads(kept.read_text(encoding="utf-8"))["build"] if kept.is_file() else {}
    return done.returncode, found, done.stderr


def seen(folder: Path) -> list[Any]:
    found: list[Any] = ast.literal_eval((folder / "e").read_text())
    return found


def test_8_6_sets_the_flag_and_the_precision(folder: Path) -> None:
    code, found, errors = built(folder, "8.6.1")
    assert code == 0, errors
    assert found["tensorrt"] == "8.6.1"
    assert found["scope_checked"]
    assert found["flags_effective"] == ["EngineCapability.STANDARD", "SAFETY_SCOPE", "FP16"]
    assert found["layers_sha256"]
    assert seen(folder)[:2] == [1, None]
    assert seen(folder)[4:] == ["float32", 1, "float32", 1]


def test_10_types_the_network_strongly(folder: Path) -> None:
    code, found, errors = built(folder, "10.13.2.6")
    assert code == 1, errors  # the audit's own verdict: a pooling stride of 8
    assert found["succeeded"]
    assert found["flags_effective"] == ["EngineCapability.STANDARD", "SAFETY_SCOPE", "STRONGLY_TYPED"]
    assert seen(folder)[0] == 3  # EXPLICIT_BATCH and STRONGLY_TYPED


def test_11_uses_the_safety_capability_and_no_removed_name(folder: Path) -> None:
    code, found, errors = built(folder, "11.4.0.106")
    assert code == 3, errors  # nothing static decides for 11
    assert found["succeeded"]
    assert found["scope_checked"]
    assert found["flags_effective"] == ["EngineCapability.SAFETY", "STRONGLY_TYPED"]
    assert seen(folder)[:2] == [1, 0]
    assert not (folder / "e.layers.json").exists()  # a safe engine cannot be inspected


def test_dla_gets_its_formats(folder: Path) -> None:
    shutil.copy(ROOT / "examples" / "csa-nano.onnx", folder / "m.onnx")
    _, found, errors = built(folder, "8.6.1", profile="drive-orin-dla-8.6")
    assert found, errors
    assert found["flags_effective"] == ["EngineCapability.DLA_STANDALONE", "FP16", "DIRECT_IO"]
    assert seen(folder)[2:] == ["DeviceType.DLA", 0, "float16", 1 << 4, "float16", 1 << 4]


@pytest.mark.parametrize("version", PROFILES)
def test_a_machine_without_a_gpu_is_one_clear_line(version: str, folder: Path) -> None:
    code, found, errors = built(folder, version, "no gpu")
    assert found == {}
    assert errors.startswith("error[SC-BUILD-NOGPU]: nothing was built: the builder finds no GPU (CUDA initialization")
    assert errors.count("\n") == 1
    assert code == (1 if version.startswith("10") else 3)
    assert not (folder / "e").exists()


def test_a_crash_of_the_library_does_not_reach_safecheck(folder: Path) -> None:
    code, found, errors = built(folder, "8.6.1", "crash")
    assert (code, found) == (3, {})
    assert "crashed (SIGSEGV)" in errors


def test_a_refusal_leads_to_the_node(folder: Path) -> None:
    code, found, _ = built(folder, "8.6.1", "refuse")
    assert code == 1
    assert found["refused"]
    assert found["errors"][0]["location"]["index"] == 38


@pytest.mark.parametrize("version", ["8.6.1", "10.13.2.6"])
def test_a_parser_that_refuses_leads_to_the_node(version: str, folder: Path) -> None:
    code, found, _ = built(folder, version, "unparsed")
    assert code == 1
    assert found["refused"]
    assert not found["scope_checked"]
    assert found["errors"][0]["location"]["node"] == "node_avg_pool2d"
    assert "this node is not supported" in found["errors"][0]["limit"]


def test_a_name_in_the_model_cannot_imitate_the_log(folder: Path) -> None:
    code, found, errors = built(folder, "8.6.1", "hostile")
    assert code == 0, errors
    assert "SAFETY_SCOPE" in found["flags_effective"]


def test_without_safety_builds_a_standard_engine_is_built(folder: Path) -> None:
    code, found, errors = built(folder, "11.4.0.106", "no safety")
    assert code == 3, errors
    assert found["succeeded"]
    assert not found["scope_checked"]
    assert "proves nothing" in found["reason"]


def test_a_package_in_the_current_folder_is_not_imported(folder: Path) -> None:
    install(folder, "8.6.1")
    (empty := folder / "empty").mkdir()
    done = safecheck("build", "m.onnx", folder=folder, path=empty)
    assert done.returncode == 3
    assert "there is no TensorRT here" in done.stderr


def test_the_program_runs_on_the_pythons_of_8_6() -> None:
    source = Path(engine.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert imported == {"__future__", "ctypes", "json", "os", "sys", "tensorrt", "time", "typing"}


def test_nothing_else_imports_tensorrt() -> None:
    for file in (ROOT / "safecheck").rglob("*.py"):
        if file != Path(engine.__file__):
            assert "import tensorrt\n" not in file.read_text(encoding="utf-8")
            assert "import tensorrt as" not in file.read_text(encoding="utf-8")


def test_the_real_library_refuses_what_the_audit_forbids(folder: Path) -> None:
    """tensorrt-rtx 1.4 holds builder, parser and scope check of a late 10.x; here it stands in under that version."""
    pytest.importorskip("tensorrt_rtx_bindings")
    (path := folder / "site").mkdir()
    (path / "tensorrt.py").write_text("from tensorrt_rtx_bindings import *\n__version__ = '10.15.1'\n")
    arguments = ["--profile", "tensorrt-10-safety", "--engine", "e"]
    done = safecheck("build", "m.onnx", *arguments, folder=folder, path=path)
    found = json.loads((folder / "e.evidence.json").read_text(encoding="utf-8"))["build"]
    assert done.returncode == 1, done.stderr
    assert "DISAGREE" not in done.stdout
    assert found["refused"]
    (refusal,) = found["errors"]
    assert refusal["limit"].startswith("LayerStrideLimit: At least one of the Dims [8,8] range")
    assert refusal["location"]["node"] == "node_avg_pool2d"
    assert refusal["rules"] == ["scope10-pool-stride"]
    assert not (folder / "e").exists()
    shutil.copy(ROOT / "examples" / "swin-block.onnx", folder / "m.onnx")
    done = safecheck("build", "m.onnx", *arguments, folder=folder, path=path)
    found = json.loads((folder / "e.evidence.json").read_text(encoding="utf-8"))["build"]
    assert found["succeeded"]
    assert found["scope_checked"]
    assert (folder / "e").stat().st_size > 1000

"""No file that a run reads is lost, and no output of it is spoilt by another."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import onnx
import onnx.parser
import processes
import pytest
from classifiers import arrays, classifier

from safecheck.ir.model import load
from safecheck.rewrite import files

NETWORK = """
<ir_version: 8, opset_import: ["" : 17]>
agraph (float[1,64,8,8] x) => (float[1,64,1,1] y) <float[64,64,1,1] w> {
    a = Conv (x, w)
    y = GlobalAveragePool (a)
}
"""
OVERLAY = """id: mine
title: Mine
version: "1"
status: draft
extends: tensorrt-8.6-restricted
"""
SHIPPED = "tensorrt-8.6-restricted"


def network(path: Path, data: str | None, scale: float = 1) -> Path:
    """A network with its weights in a file of that name beside it; None for weights of its own."""
    model = onnx.parser.parse_model(NETWORK)
    model.doc_string = f"{scale}"
    del model.graph.initializer[:]
    weights = np.arange(64 * 64, dtype=np.float32).reshape(64, 64, 1, 1) * np.float32(scale)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    onnx.save(model, path, save_as_external_data=data is not None, location=data, size_threshold=0)
    return path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def safecheck(*arguments: object, folder: Path) -> CompletedProcess[str]:
    return processes.safecheck_text(*arguments, cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    network(tmp_path / "orig.onnx", "model.onnx.data")
    network(tmp_path / "inline.onnx", None)
    classifier(tmp_path / "classifier.onnx")
    arrays(tmp_path / "images", 4)
    (tmp_path / "mine.yaml").write_text(OVERLAY)
    (tmp_path / "upper.yaml").write_text(
        OVERLAY.replace("mine", "upper").replace("tensorrt-8.6-restricted", "mine.yaml")
    )
    (tmp_path / "folder").mkdir()
    os.link(tmp_path / "orig.onnx", tmp_path / "hard")
    os.symlink("model.onnx.data", tmp_path / "soft")
    os.symlink("folder", tmp_path / "way")
    (tmp_path / "foreign.onnx.data").write_bytes(b"somebody's")
    (tmp_path / ".safecheck.yaml").write_text("jobs: 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        "fix orig.onnx -o model.onnx",
        "fix orig.onnx -o model.onnx.data",
        "fix orig.onnx -o hard",
        "fix orig.onnx -o ./folder/../model.onnx",
        "fix orig.onnx -o z.onnx --output json=z.onnx.data",
        "fix orig.onnx -o z.onnx --output json=Z.ONNX.DATA",
        "fix orig.onnx -o z.onnx --output json=Z.onnx",
        "fix orig.onnx -o z.onnx --output json=./folder/../z.onnx",
        "fix orig.onnx -o folder/z.onnx --output json=way/z.onnx",
        "fix orig.onnx -o z.onnx --output json=a.json --output html=a.JSON",
        "fix orig.onnx -o z.onnx --output json=model.onnx.data",
        "fix orig.onnx --dry-run --output json=model.onnx.data",
        "fix orig.onnx -o z.onnx --output json=orig.onnx",
        "fix orig.onnx -o foreign.onnx",
        "fix orig.onnx -o .safecheck.yaml",
        "audit orig.onnx --output json=.safecheck.yaml",
        "fix orig.onnx -o mine.yaml --profile upper.yaml",
        "fix orig.onnx -o z.onnx --output json=mine.yaml --profile upper.yaml",
        "audit orig.onnx --output json=mine.yaml --profile upper.yaml",
        "audit orig.onnx --output json=model.onnx.data",
        "audit orig.onnx --output json=hard",
        "audit orig.onnx --output json=a.json --output html=A.json",
        "graph orig.onnx -o model.onnx.data",
        "graph orig.onnx -o mine.yaml --profile upper.yaml",
        "compare orig.onnx inline.onnx --output json=hard",
        "compare orig.onnx inline.onnx --profile upper.yaml --output json=mine.yaml",
        "diff orig.onnx inline.onnx --output json=hard",
        "bench orig.onnx -o hard",
        "baseline write orig.onnx -o hard",
        "quantize classifier.onnx --images images -o images/0.npy",
        "quantize classifier.onnx --images images -o q.onnx --output json=images/0.npy",
        "quantize classifier.onnx --images images -o q.onnx --output json=Q.onnx.data",
        "build orig.onnx --engine hard",
        "build orig.onnx --engine e --evidence E.log",
        "build orig.onnx --plan --output json=hard",
    ],
)  # fmt: skip
def test_outputs_that_clash_are_refused(folder: Path, arguments: str) -> None:
    for image in (folder / "images").iterdir():  # whatever they are called
        if "0.npy" in arguments and not (folder / "images" / "0.npy").exists():
            image.rename(folder / "images" / "0.npy")
    before = contents(folder) | contents(folder / "images")
    words = arguments.split()
    done = safecheck(*words, *(["--trtexec", sys.executable] if "--engine" in words else []), folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error[SC-OUT-CLASH]")
    assert contents(folder) | contents(folder / "images") == before


def test_names_that_differ_by_case_from_an_input_are_other_files(folder: Path) -> None:
    assert safecheck("fix", "inline.onnx", "-o", "INLINE.onnx", folder=folder).returncode == 0
    assert (folder / "INLINE.onnx").exists()


def test_the_weights_of_an_output_are_replaced_with_it(folder: Path) -> None:
    for scale in (1, 2):
        network(folder / "source.onnx", "source.bin", scale)
        done = safecheck("fix", "source.onnx", "-o", "out.onnx", folder=folder)
        assert done.returncode == 0, done.stderr
        assert load(str(folder / "out.onnx")).external_data[0].path == "out.onnx.data"
        assert weights(folder / "out.onnx")[1] == scale
    assert not [name for name in contents(folder) if "safecheck-" in name]


def weights(path: Path) -> np.ndarray:
    (found,) = [tensor for tensor in onnx.load(path).graph.initializer if tensor.name == "w"]
    return onnx.numpy_helper.to_array(found).reshape(-1)


def test_a_model_without_such_weights_leaves_a_file_of_that_name_alone(folder: Path) -> None:
    assert safecheck("fix", "inline.onnx", "-o", "foreign.onnx", folder=folder).returncode == 0
    assert (folder / "foreign.onnx.data").read_bytes() == b"somebody's"


def test_a_run_that_is_killed_leaves_the_old_pair_or_the_new_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of exchanging them is the last one in turn."""
    for last in range(100):
        work = folder / f"work{last}"
        work.mkdir()
        network(work / "out.onnx", "out.onnx.data", 1)
        proto = onnx.load(network(work / "new.onnx", None, 2))
        step = iter(range(100))

        class Killed(BaseException):
            pass

        def counted(name: str, step: object = step, last: int = last) -> object:
            done = getattr(os, name)

            def change(*arguments: object) -> object:
                if next(step) == last:  # type: ignore[call-overload]
                    raise Killed
                return done(*arguments)

            return change

        with monkeypatch.context() as patch:
            for name in ("replace", "fsync"):
                patch.setattr(os, name, counted(name))
            try:
                with files.written(proto, str(work / "out.onnx"), external=True):
                    pass
            except Killed:
                model = onnx.load(work / "out.onnx", load_external_data=False)
                assert f"{weights(work / 'out.onnx')[1]:g}" == model.doc_string
            else:
                break
        # the next run finds its way
        with files.written(onnx.load(work / "new.onnx"), str(work / "out.onnx"), external=True):
            pass
        assert weights(work / "out.onnx")[1] == 2
        assert {path.name for path in work.iterdir()} == {"out.onnx", "out.onnx.data", "new.onnx"}
    assert last > 6
    shutil.rmtree(work)

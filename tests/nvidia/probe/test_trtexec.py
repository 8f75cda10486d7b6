"""The trtexec backend, with scripts that print what trtexec prints and end as it ends."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from case_files import model_from_text

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia.probe.trtexec import Trtexec
from safecheck.rulebook.load import profile

HELP = "  --restricted  Enable safety scope checking\n  --skipInference  Exit after the build\n"
BANNER = "&&&& RUNNING TensorRT.trtexec [TensorRT v8613] # trtexec --onnx=m --restricted\n[I] Selected Device: Orin\n"
PASSED = "[I] Engine built in 1.2 sec.\n&&&& PASSED TensorRT.trtexec [TensorRT v8613] # trtexec\n"
FAILED = "[E] Engine could not be created from network\n&&&& FAILED TensorRT.trtexec [TensorRT v8613] # trtexec\n"
SCOPE = "[11/26/2026-10:00:00] [E] Error[4]: Internal Error (Layer probed failed DriveOS 6.0 safety scope validation)\n"
MEMORY = "[11/26/2026-10:00:00] [E] Error[1]: [defaultAllocator.cpp] (out of memory)\n"


def executable(folder: Path, body: str, help_text: str = HELP) -> str:
    file = folder / "trtexec"
    start = f"#!{sys.executable}\nimport os, sys\nif '--help' in sys.argv:\n    print({help_text!r})\n    sys.exit(0)\n"
    file.write_text(f"{start}{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def printing(text: str, code: int) -> str:
    return f"assert '--restricted' in sys.argv and '--skipInference' in sys.argv\nprint({text!r})\nsys.exit({code})"


@pytest.mark.parametrize(
    ("text", "code", "verdict"),
    [
        (BANNER + PASSED, 0, Verdict.ALLOWED),
        (BANNER + SCOPE + FAILED, 1, Verdict.FORBIDDEN),
        (BANNER + "[E] MatrixMultiplyLayer not supported in safety restricted mode.\n" + FAILED, 1, Verdict.FORBIDDEN),
        (BANNER + "[E] Specified pooling parameters are not within safety scope\n" + FAILED, 1, Verdict.FORBIDDEN),
        (BANNER + MEMORY + FAILED, 1, Verdict.UNPROVEN),
        (BANNER + FAILED, 1, Verdict.UNPROVEN),
        (BANNER, 0, Verdict.UNPROVEN),
        ("", 0, Verdict.UNPROVEN),
        (BANNER + SCOPE + PASSED, 0, Verdict.UNPROVEN),
        (BANNER + SCOPE, 1, Verdict.UNPROVEN),
        (BANNER + PASSED, 1, Verdict.UNPROVEN),
        (BANNER + PASSED + FAILED, 0, Verdict.UNPROVEN),
        (BANNER + SCOPE.replace("[E]", "[W]") + FAILED, 1, Verdict.UNPROVEN),
        ("\x00\xff garbage", 0, Verdict.UNPROVEN),
    ],
)
def test_what_a_log_says(text: str, code: int, verdict: Verdict, tmp_path: Path) -> None:
    backend = Trtexec(executable(tmp_path, printing(text, code)))
    told = backend.ask("model.onnx")
    assert told.verdict is verdict
    assert told.words
    assert told.words.isprintable()


@pytest.mark.parametrize(
    "body", ["os.kill(os.getpid(), 11)", "import time; time.sleep(600)", "while True: os.write(1, b'x' * 1000000)"]
)
def test_a_program_that_does_not_end_well(body: str, tmp_path: Path) -> None:
    assert Trtexec(executable(tmp_path, body), seconds=2).ask("m.onnx").verdict is Verdict.UNPROVEN


def test_release_and_device(tmp_path: Path) -> None:
    backend = Trtexec(executable(tmp_path, printing(BANNER + PASSED, 0)))
    assert backend.release() == ""
    backend.ask("m.onnx")
    assert backend.release() == "8.6.13"
    assert backend.about().startswith("trtexec --restricted of TensorRT 8.6.13; Orin; executable SHA-256 ")
    for text, release in (("[TensorRT v101300]", "10.13.0"), ("TensorRT version: 10.3.0.26", "10.3.0.26")):
        backend = Trtexec(executable(tmp_path, printing(text, 0)))
        backend.ask("m.onnx")
        assert backend.release() == release


def test_an_executable_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it cannot be run"):
        Trtexec(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="no option --restricted"):
        Trtexec(executable(tmp_path, "", help_text="--safe"))


# Refuses means, the sizes of a resize and sigmoids, as an executable could that reads the model.
BUILDER = f"""
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from safecheck.intake.onnx_library import messages
path = next(word for word in sys.argv if word.startswith("--onnx=")).removeprefix("--onnx=")
with open(path, "rb") as file:
    node = messages().ModelProto.FromString(file.read()).graph.node[0]
refused = node.op_type in ("ReduceMean", "Sigmoid") or (node.op_type == "Resize" and len(node.input) == 4)
print({BANNER!r} + ({SCOPE + FAILED!r} if refused else {PASSED!r}))
sys.exit(int(refused))
"""


def test_the_whole_command(tmp_path: Path) -> None:
    model, output, kept = tmp_path / "m.onnx", tmp_path / "measured.yaml", tmp_path / "kept"
    text = "(float[4,8,6,6] x) => (float[4,8,6,6] y) { a = Erf(x) b = Exp(a) y = Sigmoid(b) }"
    model.write_bytes(model_from_text(text).SerializeToString())
    arguments = [
        "probe",
        str(model),
        "--with",
        "trtexec",
        "--trtexec",
        executable(tmp_path, BUILDER),
        "-o",
        str(output),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "safecheck", *arguments, "--save-networks", str(kept)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "8.6.13; Orin" in output.read_text(encoding="utf-8")
    assert len(list(kept.glob("*.onnx"))) == 5
    assert SCOPE.strip().encode() in (kept / "answers.log").read_bytes()
    book = profile(str(output))
    assert book.extends == ("tensorrt-8.6-restricted",)
    assert {rule.id.split("-")[1]: str(rule.verdict) for rule in book.rules if rule.id.startswith("measured-")} == {
        "erf": "allowed",
        "exp": "allowed",
    }

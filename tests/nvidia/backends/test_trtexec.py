"""The trtexec backend, with scripts that print what trtexec prints and end as it ends."""

from __future__ import annotations

import io
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from case_files import model_from_text
from fake_trtexec import trtexec

from safecheck.errors import UsageError
from safecheck.finding import Verdict
from safecheck.nvidia import log
from safecheck.nvidia.backends.find import find_backend
from safecheck.nvidia.backends.trtexec import Trtexec
from safecheck.nvidia.evidence import evidence
from safecheck.rulebook.load import profile

BOOK = profile("tensorrt-8.6-restricted")
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


def backend_of(program: str, seconds: float = 600.0) -> Trtexec:
    found = find_backend("trtexec", program, None, seconds)
    assert isinstance(found, Trtexec)
    return found


def safecheck(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "safecheck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


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
    told = backend_of(executable(tmp_path, printing(text, code))).ask("model.onnx", BOOK)
    assert told.verdict is verdict
    assert told.words
    assert told.words.isprintable()


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", ["os.kill(os.getpid(), 11)", "import time; time.sleep(600)", "while True: os.write(1, b'x' * 1000000)"]
)
def test_a_program_that_does_not_end_well(body: str, tmp_path: Path) -> None:
    assert backend_of(executable(tmp_path, body), seconds=2).ask("m.onnx", BOOK).verdict is Verdict.UNPROVEN


def test_release_and_device(tmp_path: Path) -> None:
    backend = backend_of(executable(tmp_path, printing(BANNER + PASSED, 0)))
    assert backend.release == ""
    backend.ask("m.onnx", BOOK)
    assert backend.release == "8.6.13"
    assert backend.about().startswith("trtexec --restricted of TensorRT 8.6.13; Orin; executable SHA-256 ")
    for text, release in ((BANNER.replace("8613", "101300"), "10.13.0"), ("TensorRT version: 10.3.0.26", "10.3.0.26")):
        backend = backend_of(executable(tmp_path, printing(text, 0)))
        backend.ask("m.onnx", BOOK)
        assert backend.release == release


def test_an_executable_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such program"):
        backend_of(str(tmp_path / "nothing"))
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(UsageError, match="it cannot be run: Exec format error"):
        backend_of(str(broken))
    with pytest.raises(UsageError, match="no option --restricted"):
        backend_of(executable(tmp_path, "", help_text="--safe"))


LOGS = sorted((Path(__file__).parents[1] / "logs").glob("*.log"))
HEAD = """&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx --restricted
[I] Precision: FP32
[I] Restricted mode: Enabled
"""
TAIL = "&&&& FAILED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx --restricted\n"
REFUSALS = (
    "n: ReduceLayer not supported in safety restricted mode",
    "Layer n failed safety scope validation",
    'Layer {Reduce} "n" failed safety scope validation',
    "Error[4]: Error Code 4: Internal Error (Layer n failed DriveOS 6.0 safety scope validation)",
    "Error[4]: Internal Error (Layer n failed DRIVE OS 6.0 safety scope validation)",
    "Error[2]: layer n is not supported on DLA",
    "Layer of given type not supported in safety restricted mode",
    "Specified pooling parameters are not within safety scope",
    "5-D tensor not supported in safety mode",
    "Error[9]: Error Code 9: Internal Error (n [SoftMax]: softmax axis is beyond safety supported range)",
    "Safety scope does not support loops",
    "It is not supported in GPU Safety restricted mode",
    "DataType does not match TensorFormats in DRIVE OS",
    "Network IO tensors are not in safety scope",
    "The network failed DriveOS 6.0 safety scope validation",
    "Safe DLA is enabled but not all layers are running on DLA",
    "Safety certified DLA should only have one graph for the whole network",
    "Error[2]: [nvmRegionOptimizer.cpp::forceToUseNvmIO::175] Error Code 2: Internal Error (Assertion failed. )",
)  # fmt: skip
"""Each way that a library from 7.0 to 10.15 words a refusal by the scope."""


def told_of(text: str, folder: Path) -> Verdict:
    """What the probe makes of a log, which stands in a file: some hold what Python cannot write in a line."""
    (folder / "log").write_text(text, encoding="utf-8")
    passed = "&&&& PASSED" in text
    body = f"sys.stdout.write(open({str(folder / 'log')!r}).read())\nsys.exit({int(not passed)})"
    return backend_of(executable(folder, body)).ask("m.onnx", BOOK).verdict


def built_of(text: str, folder: Path) -> Verdict:
    """What `safecheck build` says of the scope by it, for a target of the release that it is of."""
    (folder / "log").write_text(text, encoding="utf-8")
    summary = log.read(folder / "log")
    if summary.passed is None or not summary.tensorrt:
        return Verdict.UNPROVEN
    found = evidence(summary, summary.passed, {"device": "gpu", "tensorrt": summary.tensorrt}, None)
    if found.refused and any(error.kind == "scope" for error in summary.errors):
        return Verdict.FORBIDDEN
    return Verdict.ALLOWED if found.succeeded and found.scope_checked else Verdict.UNPROVEN


@pytest.mark.parametrize("words", REFUSALS)
def test_every_refusal_that_a_build_understands_is_an_answer(words: str, tmp_path: Path) -> None:
    text = f"{HEAD}[E] {words}\n[E] Engine could not be created from network\n{TAIL}"
    assert (told_of(text, tmp_path), built_of(text, tmp_path)) == (Verdict.FORBIDDEN, Verdict.FORBIDDEN)
    told = backend_of(executable(tmp_path, printing(text, 1))).ask("m.onnx", BOOK)
    assert words in told.words


def test_every_pattern_of_a_refusal_has_its_words() -> None:
    inner = [words.partition("Internal Error (")[2].removesuffix(")") for words in REFUSALS]
    for pattern in log._SCOPE:
        assert any(pattern.search(words) for words in (*REFUSALS, *inner)), pattern


@pytest.mark.parametrize("path", LOGS, ids=lambda path: str(path.stem))
@pytest.mark.parametrize("completed", [False, True])
def test_a_log_says_the_same_to_probe_and_to_build(path: Path, completed: bool, tmp_path: Path) -> None:
    """As it was published, and between the marks that excerpts leave away."""
    text = path.read_text(encoding="utf-8")
    if completed:
        text = HEAD + "".join(line for line in text.splitlines(keepends=True) if "&&&&" not in line) + TAIL
    assert told_of(text, tmp_path) is built_of(text, tmp_path)


def test_a_refusal_by_the_parser_is_no_answer_about_the_scope(tmp_path: Path) -> None:
    text = HEAD + "[E] [TRT] In node 0 with name: n and operator: Det (parse): UNSUPPORTED_NODE: no\n" + TAIL
    assert log.parse(io.BytesIO(text.encode())).errors[0].kind == "parser"
    assert told_of(text, tmp_path) is Verdict.UNPROVEN


def test_a_check_that_was_skipped_or_not_in_force_allows_nothing(tmp_path: Path) -> None:
    passed = HEAD + TAIL.replace("FAILED", "PASSED")
    assert told_of(passed, tmp_path) is Verdict.ALLOWED
    skipped = "[V] [TRT] Safety scope validation skipped for network with dynamic shapes\n"
    assert told_of(HEAD + skipped + passed.removeprefix(HEAD), tmp_path) is Verdict.UNPROVEN
    assert told_of(passed.replace("Enabled", "Disabled"), tmp_path) is Verdict.UNPROVEN


REFUSES_SOFTMAX = """
begin()
with open(ARGS["--onnx"], "rb") as file:
    model = file.read()
if b"Relu" in model:
    if "--saveEngine" in ARGS:
        engine()
    end()
softmax = "(Unnamed Layer* 0) [SoftMax]: softmax axis is beyond safety supported range"
words = softmax if b"Softmax" in model else "n: ReduceLayer not supported in safety restricted mode"
say("[E] Error[9]: Error Code 9: Internal Error (" + words + ")")
end("FAILED")
"""


def test_probe_and_build_hear_the_same_refusal(tmp_path: Path) -> None:
    program, measured = str(trtexec(tmp_path, REFUSES_SOFTMAX, code=8503)), tmp_path / "measured.yaml"
    text = "(float[1,8,4,4] x) => (float[1,8,4,4] y) { y = Softmax<axis=1>(x) }"
    (tmp_path / "m.onnx").write_bytes(model_from_text(text).SerializeToString())
    common = ("m.onnx", "--profile", "tensorrt-8.5-restricted", "--trtexec", program)
    asked = safecheck("probe", *common, "--with", "trtexec", "-o", str(measured), folder=tmp_path)
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("forbidden  Softmax ")
    (rule,) = [rule for rule in profile(str(measured)).rules if rule.id.startswith("measured-softmax-")]
    assert rule.verdict is Verdict.FORBIDDEN
    assert "softmax axis is beyond safety supported range" in rule.why
    built = safecheck("build", *common, folder=tmp_path)
    assert built.returncode == 1, built.stderr
    assert "NON-COMPLIANT" in built.stdout


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
    done = safecheck(
        "probe", str(model), "--with", "trtexec", "--trtexec", executable(tmp_path, BUILDER), "-o", str(output),
        "--save-networks", str(kept), folder=tmp_path,
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

"""What a command that runs a network asks the system for: the files that were named, and no network."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy
import onnx
import onnx.parser
import pytest
from case_files import all_cases

from safecheck.intake.utf8 import check_text
from safecheck.ir.schemas import schema_of

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="strace shows the system calls; .ci/run installs it")
ORACLE = pytest.mark.skipif(find_spec("tensorrt_rtx_bindings") is None, reason="needs the extra 'oracle'")
NETWORK = """
<ir_version: 8, opset_import: ["" : 17]>
agraph (float[1,3,8,8] x) => (float[1,3,1,1] y) <float[3,3,1,1] w = {1,2,3,4,5,6,7,8,9}> {
    a = Conv (x, w)
    y = GlobalAveragePool (a)
}
"""
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(?:mkdir|rename|link|symlink|unlink|truncate|creat|mknod)")
CALL = re.compile(r"^\d+\s+(\w+)\((.*)$")
COMMANDS = {
    "fix": (["fix", "model.onnx", "-o", "out.onnx", "--output", "json=out.json"], {"out.onnx", "out.json"}),
    "quantize": (
        ["quantize", "model.onnx", "--images", "images", "-o", "out.onnx", "--count", "2", "--size", "8"],
        {"out.onnx"},
    ),
    "compare": (["compare", "model.onnx", "-o", "out.html"], {"out.html"}),
    "bench": (["bench", "model.onnx", "-o", "out.json"], {"out.json"}),
    "audit": (
        [
            "audit",
            "model.onnx",
            "--confirm",
            "--no-cache",
            "--profile",
            "tensorrt-10-safety",
            "--output",
            "json=out.json",
        ],
        {"out.json"},
    ),
}
"""Arguments, and what they name as outputs."""


@pytest.fixture(autouse=True, scope="module")
def first_run() -> None:
    """What the first run after an installation keeps beside the byte code is no output of a later one."""
    network = onnx.parser.parse_model(NETWORK)
    check_text(network, network.SerializeToString(), "")
    schema_of("Conv", "", 17)


@pytest.mark.parametrize("name", [*sorted(COMMANDS.keys() - {"audit"}), pytest.param("audit", marks=ORACLE)])
def test_nothing_but_the_outputs_is_written_and_no_network_is_asked(name: str, tmp_path: Path) -> None:
    arguments, outputs = COMMANDS[name]
    work, home, temporary = (tmp_path / part for part in ("work", "home", "temporary"))
    (work / "images").mkdir(parents=True)
    temporary.mkdir()
    onnx.save(onnx.parser.parse_model(NETWORK), work / "model.onnx")
    for number in range(2):
        numpy.save(work / "images" / f"{number}.npy", numpy.full((1, 3, 8, 8), number + 0.5, numpy.float32))
    before = files(work)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    traced = tmp_path / "traced"
    tracer = [str(STRACE), "-f", "-qq", "-e", "trace=network,%file", "-o", str(traced)]
    done = subprocess.run(
        [*tracer, sys.executable, "-m", "safecheck", *arguments],
        cwd=work, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    assert files(work) - before == outputs
    assert not home.exists()
    assert files(temporary) == set()
    calls = list(calls_in(traced.read_text(encoding="utf-8", errors="replace")))
    assert calls
    assert [line for call, line in calls if call in ("socket", "connect", "sendto") and "AF_INET" in line] == []
    assert [line for call, line in calls if writes_outside(call, line, tmp_path)] == []


SYSTEM = (
    "/lib",
    "/usr",
    "/etc/ld.so",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/locale.alias",
    "/etc/ssl/openssl.cnf",
    "/proc",
    "/sys",
    "/dev",
)
"""Where libraries, time zones, and what the machine says of itself are."""
READERS = {
    "audit": [
        "audit",
        "model.onnx",
        "weights.onnx",
        "--no-cache",
        "--output",
        "json=out.json",
        "--output",
        "html=o.html",
    ],
    "fix": ["fix", "weights.onnx", "-o", "out.onnx"],
    "hook": ["hook", "--", "model.onnx", "weights.onnx"],
    "release": ["audit", "model.onnx", "--release", "--no-cache"],
    "compare": ["compare", "model.onnx", "weights.onnx", "-o", "out.json", "--jobs", "2"],
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository beside which there are files that are nobody's business."""
    for name in ("work", "home", "temporary"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "private").write_bytes(b"nobody's business")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "work", check=True)
    return tmp_path / "work"


def read_by(arguments: Sequence[str], work: Path) -> set[str]:
    """The files that a command opens beside the system's and those of the installation; it may make no socket."""
    home, temporary = work.parent / "home", work.parent / "temporary"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["SAFECHECK_CACHE_DIR"] = str(home / "kept")
    traced = work.parent / "traced"
    tracer = [str(STRACE), "-f", "-qq", "-e", "trace=network,open,openat,openat2", "-o", str(traced)]
    done = subprocess.run(
        [*tracer, sys.executable, "-P", "-m", "safecheck", *arguments],
        cwd=work, env=environment, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2, 3), done.stderr
    calls = list(calls_in(traced.read_text(encoding="utf-8", errors="replace")))
    assert [line for call, line in calls if call in ("socket", "connect", "sendto")] == []
    named = {path for call, line in calls if call.startswith("open") for path in opened(line)}
    read = {path for path in (os.path.join(work, path) for path in named) if Path(path).is_file()}
    installed = {str(Path(path).resolve()) for path in (sys.prefix, sys.base_prefix, onnx.__path__[0], *sources())}
    allowed = (*SYSTEM, *installed, str(temporary), str(home / "kept"))
    strange = {path for path in read if not path.startswith(allowed)}
    return {os.path.relpath(path, work) for path in strange if not str(Path(path).resolve()).startswith(allowed)}


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_nothing_is_read_but_what_was_named_and_no_socket_is_made(name: str, work: Path) -> None:
    model = onnx.parser.parse_model(NETWORK)
    onnx.save(model, work / "model.onnx")
    onnx.save(model, work / "weights.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    for other in (work / "beside.onnx", work / "beside.bin"):
        other.write_bytes(b"nobody's business")
    read = {path for path in read_by(READERS[name], work) if not path.startswith(".git/")}
    assert f"{'weights' if name == 'fix' else 'model'}.onnx" in read
    assert read - OWN == set()


OF_ALL = {
    "audit": ["audit", ".", "--no-cache", "--output", "json=out.json"],
    "hook": ["hook", "--"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_ALL)
def test_no_rule_case_has_anything_read_but_the_models(name: str, work: Path) -> None:
    """One process for all of them."""
    models = {f"{number:04}.onnx": content for number, content in enumerate(contents_of_cases())}
    for file, content in models.items():
        (work / file).write_bytes(content)
    read = read_by([*OF_ALL[name], *(models if "." not in OF_ALL[name] else ())], work)
    assert models.keys() <= read
    assert {path for path in read - models.keys() if not path.startswith(".git/")} <= {"out.json"}


SEED = 16
SOME = 8
"""Rule cases that are rewritten and compared; with `SAFECHECK_LARGE` all are, which takes hours."""


def some_cases() -> dict[str, bytes]:
    """Models of rule cases by their file names, drawn by a seed."""
    found = {f"{number:04}.onnx": content for number, content in enumerate(contents_of_cases())}
    names = list(found) if "SAFECHECK_LARGE" in os.environ else random.Random(SEED).sample(list(found), SOME)
    return {name: found[name] for name in names}


@pytest.mark.slow
def test_a_rewrite_of_a_rule_case_reads_that_case_only(work: Path) -> None:
    models = some_cases()
    for file, content in models.items():
        (work / file).write_bytes(content)
    for file in models:
        read = read_by(["fix", file, "-o", "out.onnx", "--output", "json=out.json"], work)
        assert file in read
        assert {path for path in read - {file} if not path.startswith(".git/")} <= OWN, file
        for made in OWN:
            (work / made).unlink(missing_ok=True)


@pytest.mark.slow
def test_a_comparison_of_rule_cases_reads_these_only(work: Path) -> None:
    models = some_cases()
    for file, content in models.items():
        (work / file).write_bytes(content)
    (work / "beside.onnx").write_bytes(b"nobody's business")
    read = read_by(["compare", *models, "-o", "out.json", "--jobs", "2"], work)
    assert models.keys() <= read
    assert {path for path in read - models.keys() if not path.startswith(".git/")} <= {"out.json"}


def contents_of_cases() -> Iterable[bytes]:
    """The models of the rule cases, each once."""
    return dict.fromkeys(case.proto().SerializeToString() for case in all_cases())


OWN = {"model.onnx", "weights.onnx", "w.bin", "out.json", "o.html", "out.onnx", "out.onnx.data"}


def opened(line: str) -> list[str]:
    """The path of a file that was opened; none if it could not be."""
    found = re.search(r'"([^"]*)"', line)
    return [found[1]] if found and " = -1 " not in line else []


def sources() -> list[str]:
    """Where the packages are that the interpreter was told of."""
    return [path for path in sys.path if path]


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def calls_in(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if found := CALL.match(line):
            yield found[1], found[2]


def writes_outside(call: str, line: str, folder: Path) -> bool:
    """Whether a call makes or changes a file outside of a folder, which all relative names are in."""
    if " = -1 " in line or not WRITES.search(f"{call}({line}"):
        return False
    named = [path for path in re.findall(r'"([^"]*)"', line) if path.startswith("/")]
    return any(not path.startswith((str(folder), "/dev/", "/proc/")) for path in named)

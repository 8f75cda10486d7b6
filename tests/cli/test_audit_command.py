"""`safecheck audit` as a user meets it: real processes, their exit codes, and what they print where."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import processes
import pytest
from case_files import model_from_text

from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model

ROOT = Path(__file__).parents[2]
PROFILE = "tensorrt-8.6-restricted"
ALLOWED = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = Mul(x, s) }"
FORBIDDEN = "(float[4,8,6,6] x) => (y) { s = Sigmoid(x) y = ReduceMean(s) }"
UNPROVEN = "(float[4,8,6,6] x) => (y) { y = Erf(x) }"


def safecheck(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command; whatever happens, there is never a traceback."""
    done = processes.safecheck(
        *arguments, cwd=cwd, stdin=stdin or b"", environment={**os.environ, "COLUMNS": "80", **environment}
    )
    assert b"Traceback" not in done.stderr + done.stdout, done.stderr.decode()
    return done


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with one model of each verdict."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name, text in (("allowed", ALLOWED), ("forbidden", FORBIDDEN), ("unproven", UNPROVEN)):
        (folder / f"{name}.onnx").write_bytes(model_from_text(text).SerializeToString())
    return folder


def one_error(done: subprocess.CompletedProcess[bytes], code: int, *expected: str) -> str:
    """The one line on standard error that explains the exit code and says what to do."""
    assert done.returncode == code, done.stderr.decode()
    text = done.stderr.decode()
    errors = text.splitlines()
    assert len(errors) == 1, text
    assert re.match(r"error\[SC-[A-Z]+-[A-Z0-9]+\]: .+; .+", errors[0]), errors[0]
    for part in expected:
        assert part in errors[0]
    assert errors[0].isprintable()
    return errors[0]


# --- exit codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "verdict"),
    [("allowed", 0, "COMPLIANT"), ("forbidden", 1, "NON-COMPLIANT"), ("unproven", 3, "INCONCLUSIVE")],
)
def test_one_model(models: Path, name: str, code: int, verdict: str) -> None:
    done = safecheck("audit", models / f"{name}.onnx")
    assert done.returncode == code
    assert done.stdout.decode().startswith(f"{verdict}  ")
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("allowed", "unproven"), 3),
        (("unproven", "forbidden"), 1),
        (("forbidden", "missing"), 1),
        (("missing", "allowed", "allowed"), 3),
    ],
)
def test_the_worst_code_wins(models: Path, names: tuple[str, ...], code: int) -> None:
    done = safecheck("audit", *(models / f"{name}.onnx" for name in names), "--output", "json")
    assert done.returncode == code
    report = json.loads(done.stdout)
    assert report["schema"] == "safecheck/reports/1"
    assert report["exit_code"] == code
    assert len(report["reports"]) == len(set(names)), "every model is checked"


def test_worst_order() -> None:
    from safecheck.audit.report import worst

    ranked = [4, 2, 1, 3, 0]
    for position, code in enumerate(ranked):
        assert worst(ranked[position:]) == code
        assert worst(ranked[position:][::-1]) == code
    assert worst([]) == 3, "nothing checked is inconclusive"


def test_a_folder_is_searched(models: Path) -> None:
    (models / "deep" / "er").mkdir(parents=True)
    (models / "allowed.onnx").rename(models / "deep" / "er" / "UPPER.ONNX")
    (models / "notes.txt").write_text("nothing")
    done = safecheck("audit", "models", "models/forbidden.onnx", "--output", "json", cwd=models.parent)
    report = json.loads(done.stdout)
    assert [part["model"]["path"] for part in report["reports"]] == [
        "models/deep/er/UPPER.ONNX", "models/forbidden.onnx", "models/unproven.onnx",
    ]  # fmt: skip
    assert done.returncode == 1


def test_standard_input(models: Path) -> None:
    data = (models / "forbidden.onnx").read_bytes()
    done = safecheck("audit", "-", "--output", "json", stdin=data)
    assert done.returncode == 1
    assert json.loads(done.stdout)["model"]["path"] == "-"
    assert b"standard input" in safecheck("audit", "-", stdin=data).stdout


def test_standard_input_twice() -> None:
    one_error(safecheck("audit", "-", "-"), 2, "standard input is named twice")


# --- what cannot be read --------------------------------------------------------------------------------------------


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("model.onnx", "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"hello world\n", "this is a text file, not an ONNX model"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n", "this is a Git LFS pointer"),
        (zipped(), "this is a zip archive"),
        (bytes(600), "this is a file of zeros"),
        (b"\x08\x08", "the file holds no graph"),
        (b"\xff" * 600, ""),
    ],
    ids=["empty", "text", "LFS pointer", "zip", "zeros", "no graph", "noise"],
)
def test_unreadable(content: bytes, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    done = safecheck("audit", file)
    one_error(done, 3, expected)
    assert b"INCONCLUSIVE" in done.stdout


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "the file is empty"), (b"hello world\n", "this is a text file")]
)
def test_unreadable_standard_input(content: bytes, expected: str) -> None:
    one_error(safecheck("audit", "-", stdin=content), 3, expected)


def test_truncated(models: Path) -> None:
    file = models / "allowed.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    one_error(safecheck("audit", file), 3)


def test_no_beginning_of_a_model_is_a_model(models: Path) -> None:
    data = (models / "allowed.onnx").read_bytes()
    file = models / "cut.onnx"
    book = profile(PROFILE)
    for cut in range(len(data)):
        file.write_bytes(data[:cut])
        report = audit_model(str(file), book)
        assert report.error is not None, cut
        assert report.exit_code == 3


def test_missing_file() -> None:
    one_error(safecheck("audit", "nowhere.onnx"), 3, "nowhere.onnx: there is no such file")


def test_folder_without_models(tmp_path: Path) -> None:
    one_error(safecheck("audit", tmp_path), 3, "the folder holds no *.onnx file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    one_error(safecheck("audit", tmp_path / "pipe.onnx"), 3, "pipe.onnx")


# --- usage ----------------------------------------------------------------------------------------------------------


def test_unknown_profile(models: Path) -> None:
    done = safecheck("audit", models, "--profile", "tensorrt-8.6-restrictd")
    one_error(done, 2, "no profile 'tensorrt-8.6-restrictd' (did you mean 'tensorrt-8.6-restricted'?)")


def test_missing_profile_file(models: Path) -> None:
    one_error(safecheck("audit", models, "--profile", "mine.yaml"), 2, "mine.yaml: there is no such file")


def test_broken_profile_file(models: Path) -> None:
    text = (ROOT / "rules" / "profiles" / f"{PROFILE}.yaml").read_text(encoding="utf-8")
    text = re.sub("^(id|title): .*", r"\1: of-mine", text, flags=re.MULTILINE)
    (models / "mine.yaml").write_text(text.replace("evidence:", "evidense:"), encoding="utf-8")
    done = safecheck("audit", "allowed.onnx", "--profile", "mine.yaml", cwd=models)
    one_error(done, 2, "mine.yaml:", "unknown key 'evidense' (did you mean 'evidence'?)")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"id: [", b"- 1"], ids=["empty", "binary", "cut off", "list"]
)
def test_profile_file_that_is_none(models: Path, content: bytes) -> None:
    (models / "mine.yaml").write_bytes(content)
    one_error(safecheck("audit", "allowed.onnx", "--profile", "mine.yaml", cwd=models), 2, "mine.yaml")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("audit", "x.onnx", "--outptu", "json"), "--outptu"),
        (("audit",), "MODEL"),
        (("audit", "x.onnx", "--output"), "--output"),
    ],
)
def test_wrong_command_line(arguments: tuple[str, ...], expected: str) -> None:
    done = safecheck(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert expected in done.stderr.decode()
    assert "Error: " in done.stderr.decode()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("jsn", "no format 'jsn' (did you mean 'json'?)"),
        ("json=", "json= names no file"),
        ("json=no/such/folder/report.json", "the folder does not exist"),
        ("json=allowed.onnx", "this is an input"),
        ("json=./../models/allowed.onnx", "this is an input"),
        ("json=.", "this is a folder"),
        ("json=link.json", "this is a symbolic link"),
    ],
)
def test_wrong_output(models: Path, output: str, expected: str) -> None:
    (models / "elsewhere.json").touch()
    (models / "link.json").symlink_to(models / "elsewhere.json")
    before = (models / "allowed.onnx").read_bytes()
    one_error(safecheck("audit", "allowed.onnx", "--output", output, cwd=models), 2, expected)
    assert (models / "allowed.onnx").read_bytes() == before


def test_two_formats_for_one_place(models: Path) -> None:
    both = ("--output", "json", "--output", "text")
    one_error(safecheck("audit", models / "allowed.onnx", *both), 2, "two formats for standard output")
    both = ("--output", "json=a", "--output", "text=./a")
    one_error(safecheck("audit", "allowed.onnx", *both, cwd=models), 2, "this is another output")


def test_an_output_over_the_weights_is_refused(models: Path) -> None:
    model = model_from_text("(float[1,2,9,9] x) => (y) { y = Conv(x, w) }", weights={"w": "float[2,2,1,1]"})
    weights = model.graph.initializer[0]
    (models / "w.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = weights.EXTERNAL
    weights.external_data.add(key="location", value="w.bin")
    (models / "model.onnx").write_bytes(model.SerializeToString())
    assert safecheck("audit", "model.onnx", cwd=models).returncode == 0
    done = safecheck("audit", "model.onnx", "--output", "json=w.bin", cwd=models)
    assert (models / "w.bin").read_bytes() == bytes(16)
    one_error(done, 2)


def test_an_output_over_the_profile_is_refused(models: Path) -> None:
    text = (ROOT / "rules" / "profiles" / f"{PROFILE}.yaml").read_text(encoding="utf-8")
    (models / "mine.yaml").write_text(text, encoding="utf-8")
    done = safecheck("audit", "allowed.onnx", "--profile", "mine.yaml", "--output", "json=mine.yaml", cwd=models)
    assert (models / "mine.yaml").read_text(encoding="utf-8") == text
    one_error(done, 2)


# --- the JSON report ------------------------------------------------------------------------------------------------

SHAPE = {
    "schema": str,
    "tool": {"name": str, "version": str},
    "model": {
        "path": str, "sha256": str, "size_bytes": int, "external_data": list, "ir_version": int, "opset_imports": dict,
        "producer": str, "nodes": int, "parameters": int, "macs": int,
    },
    "profile": {
        "id": str, "version": str, "sha256": str,
        "target": {"tensorrt": str, "platform": str, "capability": str},
    },
    "verdict": str,
    "exit_code": int,
    "coverage": {"total": int, "allowed": int, "forbidden": int, "unproven": int, "deviated": int},
    "cost": {
        "parameters": int, "macs": int, "batch": int, "unknown_because": type(None), "cache_bytes": int,
        "assumptions": list,
        "bytes": {precision: {"weights": int, "activations": int} for precision in ("fp32", "fp16", "int8")},
        "traffic_bytes_per_frame": {
            precision: {"1": int, "4": int, "8": int, "16": int} for precision in ("fp32", "fp16", "int8")
        },
    },
    "findings": list,
    "rewrites": list,
    "confirmation": type(None),
    "build": type(None),
}  # fmt: skip
FINDING = {
    "rule": str, "verdict": str, "grade": str, "message": str, "layers": list, "evidence": list, "sources": list,
    "remedies": list, "deviation": type(None), "fingerprint": str,
    "location": {"scope": str, "index": int, "node": str, "op_type": str, "domain": str, "outputs": list},
}  # fmt: skip


def has_shape(value: object, shape: object, where: str = "report") -> None:
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key, part in shape.items():
            assert key in value, f"{where}.{key}"
            has_shape(value[key], part, f"{where}.{key}")
    else:
        assert type(value) is shape, where


def test_json_report(models: Path) -> None:
    done = safecheck("audit", "forbidden.onnx", "--output", "json", cwd=models)
    report = json.loads(done.stdout)
    has_shape(report, SHAPE)
    assert report["schema"] == "safecheck/report/1"
    assert report["exit_code"] == done.returncode == 1
    assert report["verdict"] == "non-compliant"
    coverage = report["coverage"]
    assert (
        coverage["total"]
        == coverage["allowed"] + coverage["forbidden"] + coverage["unproven"] + coverage["deviated"]
        == 2
    )
    (finding,) = report["findings"]
    has_shape(finding, FINDING)
    assert finding["rule"] == "reduce-mean"
    assert finding["location"]["outputs"] == ["y"]
    for part in finding["evidence"]:
        assert set(part) >= {"fact", "actual", "limit"}
    for part in finding["sources"]:
        assert set(part) >= {"ref", "at", "url"}


def test_an_unknown_cost_is_null_and_said(models: Path) -> None:
    text = '(float["N",8] x) => (float["N",8] y) { y = MatMul(x, x) }'
    (models / "allowed.onnx").write_bytes(model_from_text(text).SerializeToString())
    cost = json.loads(safecheck("audit", "allowed.onnx", "--output", "json", cwd=models).stdout)["cost"]
    assert cost["macs"] is None
    assert cost["unknown_because"] == "the size of a tensor of node 0 is not known"
    assert set(cost["traffic_bytes_per_frame"]["fp16"].values()) == {None}
    assert cost["bytes"]["fp16"] == {"weights": None, "activations": None}
    shown = safecheck("audit", "allowed.onnx", cwd=models).stdout.decode()
    assert "  cost      0 parameters, unknown MACs, unknown traffic a frame (FP16, batch 1)\n" in shown


def test_equal_inputs_give_equal_bytes(models: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "forbidden.onnx").write_bytes((models / "forbidden.onnx").read_bytes())
    runs = [
        safecheck("audit", "forbidden.onnx", "--output", "json", cwd=models, PYTHONHASHSEED="0"),
        safecheck("audit", "forbidden.onnx", "--output", "json", cwd=models, PYTHONHASHSEED="1"),
        safecheck(
            "audit", "forbidden.onnx", "--output", "json", cwd=other, PYTHONHASHSEED="2", LC_ALL="C", TZ="Asia/Tokyo"
        ),
        safecheck("audit", models / "forbidden.onnx", "--output", "json", PYTHONHASHSEED="3", COLUMNS="20"),
    ]
    assert len({done.stdout for done in runs}) == 1
    assert str(tmp_path).encode() not in runs[-1].stdout


def test_a_report_about_an_unreadable_file_holds_no_absolute_path(tmp_path: Path) -> None:
    done = safecheck("audit", tmp_path / "missing.onnx", "--output", "json")
    report = json.loads(done.stdout)
    assert report["verdict"] == "inconclusive"
    assert report["exit_code"] == 3
    assert report["error"]["code"] == "SC-IO-MISSING"
    assert str(tmp_path) not in done.stdout.decode()


def test_output_to_files(models: Path) -> None:
    (models / "report.json").write_text("old")
    both = ("--output", "json=report.json", "--output", "text=report.txt")
    done = safecheck("audit", "forbidden.onnx", *both, cwd=models)
    assert done.returncode == 1, "the format never changes the code"
    assert done.stdout == b""
    assert done.stderr == b"wrote report.json, report.txt: non-compliant\n"
    assert (models / "report.txt").read_bytes() == safecheck("audit", "forbidden.onnx", cwd=models).stdout
    assert json.loads((models / "report.json").read_bytes())["verdict"] == "non-compliant"
    left = sorted(file.name for file in models.iterdir() if file.suffix != ".onnx")
    assert left == ["report.json", "report.txt"], "nothing is left behind"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((models / "report.json").stat().st_mode) == 0o666 & ~umask


def test_a_file_beside_standard_output(models: Path) -> None:
    done = safecheck("audit", "allowed.onnx", "--output", "text", "--output", "json=report.json", cwd=models)
    assert done.returncode == 0
    assert done.stdout.startswith(b"COMPLIANT")
    assert json.loads((models / "report.json").read_text())["verdict"] == "compliant"


# --- hostile names --------------------------------------------------------------------------------------------------

HOSTILE = {
    "markup": ("[/foo][bold red]x[/]", "[/foo][bold red]x[/]"),
    "escape": ("\x1b[31mred\x1b]8;;http://x\x07", "\\x1b[31mred\\x1b]8;;http://x\\x07"),
    "newline": ("a\nCOMPLIANT\r\nb", "a\\x0aCOMPLIANT\\x0d\\x0ab"),
    "bidi": ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
    "separator": ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
    "backslash": ("a\\x1b", "a\\\\x1b"),
}


def test_names_are_printed_literally(tmp_path: Path) -> None:
    steps = [f"v{number + 1} = ReduceMean(v{number})" for number in range(len(HOSTILE))]
    model = model_from_text(f"(float[4,8,6,6] v0) => (v{len(HOSTILE)}) {{ {' '.join(steps)} }}")
    for node, (name, _) in zip(model.graph.node, HOSTILE.values(), strict=True):
        node.name = name
    model.producer_name = model.graph.node[-1].output[0] = model.graph.output[0].name = HOSTILE["escape"][0]
    file = tmp_path / "model.onnx"
    file.write_bytes(model.SerializeToString())
    done = safecheck("audit", file, "--output", "text", "--output", f"json={tmp_path / 'report.json'}")
    text = done.stdout.decode()
    assert done.returncode == 1
    for _, shown in HOSTILE.values():
        assert shown in text
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert not line.startswith("COMPLIANT")
    report = (tmp_path / "report.json").read_bytes()
    assert report.isascii()
    names = [finding["location"]["node"] for finding in json.loads(report)["findings"]]
    assert names == [name for name, _ in HOSTILE.values()]


def test_the_name_of_the_file_is_printed_literally(tmp_path: Path) -> None:
    name = "[red]\x1b[31m\u202e.onnx"
    (tmp_path / name).write_bytes(model_from_text(ALLOWED).SerializeToString())
    done = safecheck("audit", name, cwd=tmp_path)
    assert done.returncode == 0
    assert "[red]\\x1b[31m\\u202e.onnx" in done.stdout.decode()
    one_error(safecheck("audit", f"no{name}", cwd=tmp_path), 3, "\\x1b[31m")


# --- odds and ends --------------------------------------------------------------------------------------------------


def test_help_text_is_fresh() -> None:
    from click.testing import CliRunner

    from safecheck.cli.root import cli

    rendered = CliRunner().invoke(cli, ["--help"], prog_name="safecheck", terminal_width=80).output
    stored = (ROOT / "safecheck" / "cli" / "help.txt").read_text(encoding="utf-8")
    assert stored == rendered
    for option in ("--help", "-h"):
        done = safecheck(option)
        assert done.returncode == 0
        assert done.stdout.decode() == rendered


def test_a_command_does_not_import_the_others() -> None:
    code = (
        "import sys; from safecheck.cli import COMMANDS, run; run(sys.argv[1:]); "
        "print([name for name in COMMANDS if f'safecheck.cli.{name}' in sys.modules])"
    )
    for arguments, loaded in ((["audit", "no.onnx"], "[]"), (["audit", "-qv", "no.onnx"], "['audit']")):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == loaded


def test_no_arguments() -> None:
    done = safecheck()
    assert done.returncode == 2
    assert b"Usage: safecheck" in done.stdout + done.stderr


def test_version() -> None:
    from safecheck import __version__

    assert safecheck("--version").stdout.decode() == f"safecheck {__version__}\n"


@pytest.mark.parametrize(("format_", "name", "code"), [("text", "forbidden", 1), ("json", "allowed", 0)])
def test_a_closed_pipe_is_quiet_and_keeps_the_code(models: Path, format_: str, name: str, code: int) -> None:
    copies = " ".join([f"{name}.onnx"] + [f"copy{number}.onnx" for number in range(60)])
    for number in range(60):
        (models / f"copy{number}.onnx").write_bytes((models / f"{name}.onnx").read_bytes())
    command = f"{sys.executable} -m safecheck audit {copies} --output {format_} 2>err; echo $? >code"
    first = subprocess.run(["sh", "-c", f"{{ {command}; }} | head -n 1"], cwd=models, capture_output=True, check=True)
    assert first.stdout.count(b"\n") == 1
    assert (models / "err").read_bytes() == b""
    assert int((models / "code").read_text()) == code


def test_warnings_do_not_reach_the_user(models: Path) -> None:
    done = safecheck("audit", models / "allowed.onnx", PYTHONWARNINGS="default")
    assert done.stderr == b""


def test_without_a_standard_output() -> None:
    example = ROOT / "examples" / "csa-block-refused.onnx"
    command = f'"{sys.executable}" -m safecheck audit "{example}" >&-'
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 1
    assert result.stderr == ""

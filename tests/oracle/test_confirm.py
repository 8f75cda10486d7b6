"""`audit --confirm` with the real check; skipped where the extra `oracle` is not installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from case_files import model_from_text

from safecheck.audit.report import Report
from safecheck.errors import UsageError
from safecheck.finding import ModelVerdict
from safecheck.intake.onnx_library import messages
from safecheck.nvidia.scope_check.ask import require

ROOT = Path(__file__).parents[2]
PROFILE = "tensorrt-10-safety"
LRN = "(float[1,4,8,8] x) => (float[1,4,8,8] y) { [n] y = LRN<size=5>(x) }"
RELU = "(float[1,4,8,8] x) => (float[1,4,8,8] y) { [n] y = Relu(x) }"
REFUSED = {
    "local response normalization", "reversed sequences", "convolution, 19 x 19 kernel", "average pooling, stride 7",
    "cubic resize by sizes", "slice along a computed axis (six inputs)", "BF16",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    try:
        require()
    except UsageError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def make_confirm() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_confirm", ROOT / "docs" / "make_confirm.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def small(make_confirm: ModuleType) -> dict[str, Report]:
    return dict(make_confirm.rows(make_confirm.small()))


@pytest.fixture(scope="module")
def networks(make_confirm: ModuleType) -> dict[str, Report]:
    return dict(make_confirm.rows(make_confirm.networks()))


def test_the_documented_refusals(small: dict[str, Report]) -> None:
    answers = {name: report.confirmation for name, report in small.items()}
    assert {name for name, answer in answers.items() if answer is not None and answer.in_scope is False} == REFUSED
    for name in REFUSED:
        answer = answers[name]
        assert answer is not None
        assert answer.refusals
        for refusal in answer.refusals:
            assert refusal.location is not None, name
            assert refusal.rules != (), name


def test_what_is_not_checked_is_no_pass(small: dict[str, Report]) -> None:
    unchecked = {
        name for name, report in small.items() if report.confirmation is not None and not report.confirmation.checked
    }
    assert len(unchecked) == 4
    for name in unchecked:
        assert small[name].verdict in (ModelVerdict.INCONCLUSIVE, ModelVerdict.NON_COMPLIANT)


def _agree(report: Report) -> bool:
    answer = report.confirmation
    assert answer is not None
    assert answer.checked
    assert report.audit is not None
    return answer.in_scope is (report.audit.verdict is ModelVerdict.COMPLIANT)


@pytest.mark.slow
def test_the_networks(networks: dict[str, Report]) -> None:
    assert {name.partition("_")[0] for name in networks} == {"convnext", "csa", "cvt", "swin"}
    for name, report in networks.items():
        assert _agree(report), name
    pooled = networks["csa_tiny, dynamo20"].confirmation
    assert pooled is not None
    assert [refusal.rules for refusal in pooled.refusals] == [("scope10-pool-stride",)]


@pytest.mark.slow
def test_the_page_is_fresh(make_confirm: ModuleType, small: dict[str, Report], networks: dict[str, Report]) -> None:
    text = make_confirm.page([*small.items(), *networks.items()])
    assert make_confirm.PAGE.read_text(encoding="utf-8") == text, "run python docs/make_confirm.py"


def safecheck(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "safecheck", "audit", *arguments]
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=600, cwd=cwd)
    assert b"Traceback" not in done.stderr
    return done


def answer(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> tuple[int, Any]:
    done = safecheck(*arguments, "--profile", PROFILE, "--confirm", "--output", "json", stdin=stdin, cwd=cwd)
    return done.returncode, json.loads(done.stdout)["confirmation"]


@pytest.mark.parametrize(("text", "code"), [(LRN, 1), (RELU, 0)])
def test_a_file_and_standard_input(text: str, code: int, tmp_path: Path) -> None:
    model = model_from_text(text).SerializeToString()
    (tmp_path / "-.onnx").write_bytes(model)
    by_name = answer("./-.onnx", cwd=tmp_path)
    assert by_name == answer("-", stdin=model)
    assert by_name[0] == code
    assert len(by_name[1]["by"]["library_sha256"]) == 64


def test_external_data(tmp_path: Path) -> None:
    for folder, kernel in (("inside", 18), ("outside", 19)):
        model = model_from_text(
            f"(float[1,4,44,44] x) => (float[1,2,{45 - kernel},{45 - kernel}] y) {{ [n] y = Conv(x, w) }}"
        )
        tensor = model.graph.initializer.add(name="w", data_type=1, dims=[2, 4, kernel, kernel], data_location=1)
        tensor.external_data.add(key="location", value="weights.bin")
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "weights.bin").write_bytes(bytes(4 * 2 * 4 * kernel * kernel))
        (tmp_path / folder / "model.onnx").write_bytes(model.SerializeToString())
        code, found = answer(str(tmp_path / folder / "model.onnx"))
        assert (code, found["in_scope"]) == ((0, True) if kernel == 18 else (1, False)), found


def test_the_current_folder_cannot_replace_the_check(tmp_path: Path) -> None:
    for name in ("tensorrt_rtx_bindings.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit(7)")
    (tmp_path / "m.onnx").write_bytes(model_from_text(LRN).SerializeToString())
    script = "import sys; sys.path.pop(0); from safecheck.__main__ import main; sys.exit(main())"
    argv = [sys.executable, "-P", "-c", script, "audit", "m.onnx", "--profile", PROFILE, "--confirm"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert "LRN layer refused" in done.stdout, done.stderr


def test_layers_beside_ours(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(
        model_from_text("(float[1,4,8,8] x) => (float[1,4,1,1] y) { [n] y = GlobalAveragePool(x) }").SerializeToString()
    )
    done = safecheck(str(file), "--profile", PROFILE, "--confirm", "--show-layers")
    assert "ours    IReduceLayer:kAVG" in done.stdout.decode()
    assert "theirs  IReduceLayer:kAVG" in done.stdout.decode()


def _names() -> Iterator[str]:
    yield 'a]b"q" failed safety scope validation\n'
    yield "a | b (f)"
    yield ""
    yield "Safety scope validation skippe\u202e"


@pytest.mark.parametrize("name", list(_names()))
def test_odd_names_are_mapped(name: str, tmp_path: Path) -> None:
    model = messages().ModelProto.FromString(model_from_text(LRN).SerializeToString())
    model.graph.node[0].name = name
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    code, found = answer(str(tmp_path / "m.onnx"))
    assert code == 1
    (refusal,) = found["refusals"]
    assert (refusal["rules"], refusal["location"]["index"]) == (["scope10-lrn"], 0)


def test_nodes_in_nested_graphs_and_functions_are_mapped(tmp_path: Path) -> None:
    branches = (
        "y = If(c) <then_branch = t () => (float[1,4,8,8] t) { [deep] t = LRN<size=3>(x) }, "
        "else_branch = e () => (float[1,4,8,8] e) { [other] e = Relu(x) }>"
    )
    text = f"(float[1,4,8,8] x, bool c) => (float[1,4,8,8] y) {{ [choice] {branches} }}"
    (tmp_path / "m.onnx").write_bytes(model_from_text(text).SerializeToString())
    _, found = answer(str(tmp_path / "m.onnx"))
    assert [(part["node"], part["rules"]) for part in found["refusals"]] == [("deep", ["scope10-lrn"])], found
    function = (
        '<ir_version: 8, opset_import: ["": 17, "my": 1]> g (float[1,4,8,8] x) => (float[1,4,8,8] y) '
        '{ [one] a = my.f(x) [two] y = my.f(a) } <domain: "my", opset_import: ["": 17]> f (a) => (b) '
        "{ [inner] b = LRN<size=3>(a) }"
    )
    (tmp_path / "m.onnx").write_bytes(model_from_text(function).SerializeToString())
    _, found = answer(str(tmp_path / "m.onnx"))
    assert [part["node"] for part in found["refusals"]] == ["inner", "inner"], found
    assert all(part["rules"] for part in found["refusals"])

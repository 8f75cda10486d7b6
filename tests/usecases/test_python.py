"""The Python interface as a notebook or a test of a model repository calls it."""

from __future__ import annotations

import ast
import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graph_models import nested
from onnx import TensorProto, helper, numpy_helper

import safecheck
from safecheck.audit.report import Report
from safecheck.render.audit.json import content
from safecheck.rulebook.profile import Profile

ROOT = Path(__file__).parents[2]
ALLOWED, REFUSED = (ROOT / "examples" / f"csa-block{end}.onnx" for end in ("", "-refused"))

FORMS: dict[str, Callable[[Path], Any]] = {
    "text": str,
    "path": lambda path: path,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "file": lambda path: path.open("rb"),
    "stream": lambda path: io.BytesIO(path.read_bytes()),
    "proto": onnx.load,
}


HEAD = "schema: safecheck/deviations/1\ndeviations:\n"
RECORD = """\
  - id: DEV-{number}
    rule: {rule}
    scope: {{model: "{sha256}"}}
    rationale: It is computed elsewhere.
    risk: It is not.
    mitigation: The build log is kept.
    requested_by: Ada Lovelace
    approved_by: Grace Hopper
    approved_on: 2026-03-01
    expires_on: 2026-09-30
    ticket: SAFE-12
    max_count: 9
"""


def fresh(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.anchor, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def with_weights(path: Path) -> Path:
    """A model whose one weight is in `w.bin` beside it."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("ReduceMean", ["a"], ["y"], axes=[2, 3])],
        "g",
        [value("x", TensorProto.FLOAT, [1, 4, 8, 8])],
        [value("y", TensorProto.FLOAT, [1, 4, 1, 1])],
        [numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


# --- the package ----------------------------------------------------------------------------------------------------


def test_every_public_name_is_there_and_none_is_a_room() -> None:
    for name in safecheck.__all__:
        assert getattr(safecheck, name) is not None
        assert name in dir(safecheck)
        assert not (ROOT / "safecheck" / name).exists()
        assert not (ROOT / "safecheck" / f"{name}.py").exists()
    with pytest.raises(AttributeError, match="'safecheck' has no attribute 'audit_modle'"):
        _ = safecheck.audit_modle  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing() -> None:
    loaded = "[name for name in sys.modules if name.startswith('safecheck.') or name in before]"
    code = "import sys; before = {'typing', 'importlib.util', 're', 'onnx'} - {*sys.modules}; import safecheck"
    assert fresh(f"{code}; print({loaded})") == "[]\n"


def test_an_audit_does_not_load_networkx_and_a_graph_does() -> None:
    code = f"import sys, safecheck; report = safecheck.audit_model({str(REFUSED)!r}); print('networkx' in sys.modules)"
    assert fresh(f"{code}; safecheck.graph_of(report); print('networkx' in sys.modules)") == "False\nTrue\n"


def test_type_checkers_see_what_is_loaded() -> None:
    """The imports that only type checkers follow, which mypy holds to be true, are those that happen."""
    tree = ast.parse((ROOT / "safecheck" / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {part.asname: f"{found.module}.{part.name}" for found in checked.body for part in found.names}
    assert seen == {name: f"safecheck.{home}.{name}" for name, home in safecheck._HOMES.items()}
    assert set(safecheck.__all__) == {*seen, "__version__"}


# --- models in every form -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_model_may_come_in_every_form(form: str) -> None:
    expected = safecheck.audit_model(REFUSED)
    report = safecheck.audit_model(FORMS[form](REFUSED))
    assert report.verdict is safecheck.ModelVerdict.NON_COMPLIANT
    assert report.findings == expected.findings
    assert report.coverage == expected.coverage
    if form != "proto":  # protobuf promises no bytes
        assert report.model is not None
        assert report.model.sha256 == hashlib.sha256(REFUSED.read_bytes()).hexdigest()


def test_a_report_on_bytes_is_that_on_the_file_under_another_name() -> None:
    ours, theirs = (content(safecheck.audit_model(model)) for model in (REFUSED.read_bytes(), REFUSED))
    assert ours["model"].pop("path") == "<memory>"
    assert theirs["model"].pop("path") == "csa-block-refused.onnx"
    assert ours == theirs


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (b"", "SC-IO-EMPTY"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n", "SC-IO-LFS"),
        (b"PK\x03\x04" + bytes(60), "SC-IO-NOTONNX"),
        (ALLOWED.read_bytes()[:-1], "SC-PB-WIRE"),
        (ALLOWED.read_bytes() + b"\xfa\x3f\x01a", "SC-PB-UNKNOWN"),
    ],
)
def test_bytes_pass_through_the_checks_of_files(model: bytes, code: str, tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(model)
    for source in (model, file):
        with pytest.raises(safecheck.InputError) as caught:
            safecheck.audit_model(source)
        assert caught.value.code == code
        assert caught.value.exit_code == 3
        assert isinstance(caught.value, safecheck.SafecheckError)


def test_a_proto_that_no_file_could_hold_is_refused() -> None:
    class Huge:
        DESCRIPTOR = onnx.ModelProto.DESCRIPTOR

        def SerializeToString(self) -> bytes:  # noqa: N802
            raise ValueError("larger than 2 GiB")

    with pytest.raises(safecheck.InputError) as caught:
        safecheck.audit_model(Huge())
    assert caught.value.code == "SC-LIM-SIZE"


@pytest.mark.parametrize("form", ["bytes", "proto", "file"])
def test_weights_that_are_nowhere_are_a_clear_error(form: str, tmp_path: Path) -> None:
    path = with_weights(tmp_path / "m.onnx")
    model = onnx.load(path, load_external_data=False) if form == "proto" else FORMS[form](path)
    with pytest.raises(safecheck.InputError, match="from memory, which has no folder for external data") as caught:
        safecheck.audit_model(model)
    assert caught.value.code == "SC-EXT-MISSING"
    assert "give the path of the model file" in str(caught.value)
    assert safecheck.audit_model(path).verdict is safecheck.ModelVerdict.NON_COMPLIANT
    assert safecheck.audit_model(onnx.load(path)).verdict is safecheck.ModelVerdict.NON_COMPLIANT


@pytest.mark.parametrize("model", [3, None, onnx.GraphProto(), io.StringIO("text"), ["m.onnx"]])
def test_what_is_no_model_is_a_type_error(model: Any) -> None:
    with pytest.raises(TypeError, match=r"a model is a path, bytes, a binary file or an onnx\.ModelProto, not"):
        safecheck.audit_model(model)


def test_a_dash_is_a_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(safecheck.InputError) as caught:
        safecheck.audit_model("-")
    assert caught.value.code == "SC-IO-MISSING"
    (tmp_path / "-").write_bytes(ALLOWED.read_bytes())
    assert safecheck.audit_model("-").verdict is safecheck.ModelVerdict.COMPLIANT


def test_a_proto_is_not_changed() -> None:
    proto = onnx.load(REFUSED)
    before = proto.SerializeToString(deterministic=True)
    safecheck.audit_model(proto)
    safecheck.fix_model(proto)
    safecheck.graph_of(proto)
    assert proto.SerializeToString(deterministic=True) == before


# --- profiles and decisions -----------------------------------------------------------------------------------------


def test_profiles_by_name_from_files_and_loaded(tmp_path: Path) -> None:
    book = safecheck.load_profile("tensorrt-8.6-restricted@8.6.12")
    assert isinstance(book, Profile)
    assert book.target["tensorrt"] == "8.6.12"
    assert safecheck.load_profile(book) is book
    assert safecheck.load_profile().id == "tensorrt-8.6-restricted"
    assert safecheck.audit_model(ALLOWED, book).profile is book
    with pytest.raises(safecheck.UsageError, match="did you mean"):
        safecheck.load_profile("tensorrt-8.6-restrictd")
    broken = tmp_path / "ours.yaml"
    broken.write_text("extends: tensorrt-8.6-restricted\nnonsense: 1\n", encoding="utf-8")
    with pytest.raises(safecheck.RuleFileError):
        safecheck.load_profile(broken)


def test_a_baseline_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with_weights(Path("m.onnx"))
    command = [sys.executable, "-m", "safecheck", "baseline", "write", "m.onnx", "-o", "baseline.json"]
    subprocess.run(command, check=True, capture_output=True)
    assert safecheck.audit_model("m.onnx").exit_code == 1
    report = safecheck.audit_model("m.onnx", baseline=Path("baseline.json"))
    assert report.exit_code == 0
    assert report.verdict is safecheck.ModelVerdict.NON_COMPLIANT, "what is known keeps its verdict"
    with pytest.raises(safecheck.UsageError):
        safecheck.audit_model("m.onnx", deviations=["none.yaml"])


# --- fixing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["path", "bytes", "file", "proto"])
def test_a_fixed_model_is_written_and_permitted(form: str, tmp_path: Path) -> None:
    out = tmp_path / "fixed.onnx"
    fixed = safecheck.fix_model(FORMS[form](REFUSED), out)
    assert fixed.after is not None
    assert fixed.after.verdict is safecheck.ModelVerdict.COMPLIANT
    assert fixed.applied
    assert safecheck.audit_model(out).verdict is safecheck.ModelVerdict.COMPLIANT
    assert [file.name for file in tmp_path.iterdir()] == ["fixed.onnx"]


def test_nothing_is_written_without_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fixed = safecheck.fix_model(REFUSED.read_bytes(), ignore=["reduce-mean-to-average-pool"])
    assert all(step.name != "reduce-mean-to-average-pool" for step in fixed.applied)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(safecheck.UsageError, match="no rewrite 'nonsense'"):
        safecheck.fix_model(REFUSED, select=["nonsense"])


@pytest.mark.parametrize("out", ["m.onnx", "w.bin", "link.onnx"])
def test_no_input_is_overwritten(out: str, tmp_path: Path) -> None:
    path = with_weights(tmp_path / "m.onnx")
    (tmp_path / "link.onnx").symlink_to("m.onnx")
    before = hashes(tmp_path)
    with pytest.raises(safecheck.UsageError, match="this is an input"):
        safecheck.fix_model(path, tmp_path / out)
    command = [sys.executable, "-m", "safecheck", "fix", str(path), "-o", str(tmp_path / out)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    assert hashes(tmp_path) == before


def test_weights_beside_the_result_do_not_overwrite_those_of_the_model(tmp_path: Path) -> None:
    path = with_weights(tmp_path / "m.onnx")
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "fixed.onnx.data"
    path.write_bytes(model.SerializeToString())
    (tmp_path / "w.bin").rename(tmp_path / "fixed.onnx.data")
    before = hashes(tmp_path)
    with pytest.raises(safecheck.UsageError, match=r"fixed\.onnx\.data: this is an input"):
        safecheck.fix_model(path, tmp_path / "fixed.onnx")
    assert hashes(tmp_path) == before


# --- comparing ------------------------------------------------------------------------------------------------------


def test_models_of_every_form_are_compared() -> None:
    contrast = safecheck.compare_models(
        [ALLOWED, REFUSED.read_bytes(), b"no model"], ["tensorrt-8.6-restricted", "tensorrt-10-safety"]
    )
    assert [model.name for model in contrast.models] == ["csa-block.onnx", "model 2", "model 3"]
    assert [model.standings[0].verdict for model in contrast.models] == ["compliant", "non-compliant", "inconclusive"]
    assert [standing.profile for standing in contrast.models[0].standings] == [book.id for book in contrast.profiles]
    assert contrast.models[1].standings[0].after_fix == (0, 0)
    assert contrast.models[2].error


def test_a_mapping_names_the_models() -> None:
    contrast = safecheck.compare_models({"before": REFUSED, "after": onnx.load(ALLOWED)})
    assert [(model.name, model.standings[0].verdict) for model in contrast.models] == [
        ("before", "non-compliant"), ("after", "compliant"),
    ]  # fmt: skip


# --- the graph ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [REFUSED, ROOT / "examples" / "swin-block.onnx", nested()], ids=["csa", "swin", "if"])
def test_the_graph_holds_every_node_of_the_report_once(model: Any) -> None:
    report = safecheck.audit_model(model)
    graph = safecheck.graph_of(model)
    shown = content(report)
    assert len(graph) == shown["coverage"]["total"]
    for verdict in ("allowed", "forbidden", "unproven"):
        assert sum(found == verdict for _, found in graph.nodes(data="verdict")) == shown["coverage"][verdict]
    for finding in shown["findings"]:
        place = finding["location"]
        if place["index"] is None:
            assert finding["rule"] in graph.graph["rules"].split()
            continue
        node = graph.nodes[f"{place['scope']}:{place['index']}".removeprefix(":")]
        assert finding["rule"] in node["rules"].split()
        assert finding["fingerprint"] in node["fingerprints"].split()
        assert (node["op_type"], node["name"]) == (place["op_type"], place["node"])
        assert node["region"] > 0
    charged = {finding["fingerprint"] for finding in shown["findings"] if finding["location"]["index"] is not None}
    assert {name for _, names in graph.nodes(data="fingerprints") for name in names.split()} == charged
    assert {bool(node["rules"]) == bool(node["region"]) for _, node in graph.nodes(data=True)} == {True}


def test_nodes_of_one_signature_have_one_verdict_and_layers() -> None:
    graph = safecheck.graph_of(ROOT / "examples" / "swin-block.onnx")
    found: dict[str, set[tuple[str, str, str]]] = {}
    for _, node in graph.nodes(data=True):
        found.setdefault(node["signature"], set()).add((node["verdict"], node["layers"], node["rules"]))
    assert len(found) < len(graph), "some nodes are alike"
    assert {len(kinds) for kinds in found.values()} == {1}


def test_a_graph_of_a_report_knows_its_deviations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with_weights(Path("m.onnx"))
    found = safecheck.audit_model("m.onnx")
    assert found.model is not None
    records = [
        RECORD.format(number=number, rule=rule, sha256=found.model.sha256)
        for number, rule in enumerate(dict.fromkeys(finding.rule for finding in found.findings))
    ]
    Path("deviations.yaml").write_text(HEAD + "".join(records), encoding="utf-8")
    report = safecheck.audit_model("m.onnx", deviations=["deviations.yaml"], as_of=date(2026, 5, 1))
    assert isinstance(report, Report)
    assert report.verdict is safecheck.ModelVerdict.COMPLIANT_WITH_DEVIATIONS
    verdicts = {verdict for _, verdict in safecheck.graph_of(report).nodes(data="verdict")}
    assert verdicts == {"allowed", "deviated"}


def test_the_graph_of_a_report_without_a_model_is_its_error() -> None:
    error = safecheck.InputError("SC-IO-MISSING", "m.onnx", "there is no such file", "check the path")
    report = Report("m.onnx", safecheck.load_profile(), None, None, error)
    with pytest.raises(safecheck.InputError, match="there is no such file"):
        safecheck.graph_of(report)

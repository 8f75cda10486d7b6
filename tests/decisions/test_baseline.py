"""The baseline: only new findings fail, it only shrinks, and no mandatory rule or unreadable file is excused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from case_files import model_from_text

Run = Callable[..., tuple[int, str, str]]
ALL = ("allowed.onnx", "forbidden.onnx", "twice.onnx", "unproven.onnx")


def worse(folder: Path) -> None:
    """`forbidden.onnx` with one violation more."""
    text = "(float[4,8,6,6] x) => (y, t) { s = Sigmoid(x) t = ReduceMax<axes=[3]>(s) y = ReduceMean(s) }"
    model = model_from_text(text)
    (folder / "forbidden.onnx").write_bytes(model.SerializeToString())


def models(path: Path) -> dict[str, dict[str, object]]:
    return json.loads(path.read_text())["models"]


def test_known_findings_are_debt_and_the_verdict_stays(folder: Path, safecheck: Run) -> None:
    code, out, err = safecheck("baseline", "write", *ALL, "-o", "baseline.json")
    assert (code, out, err) == (0, "", "4 findings in 4 models are in baseline.json\n")
    assert safecheck("audit", *ALL)[0] == 1
    code, out, _ = safecheck("audit", *ALL, "--baseline", "baseline.json", "--output", "json")
    reports = json.loads(out)["reports"]
    assert code == 0
    assert [part["verdict"] for part in reports] == ["compliant", "non-compliant", "non-compliant", "inconclusive"]
    assert [part["exit_code"] for part in reports] == [0, 0, 0, 0]
    assert [part["baseline"]["debt"] for part in reports] == [0, 1, 2, 1]
    assert all(finding["known"] for part in reports for finding in part["findings"])
    code, out, _ = safecheck("audit", "twice.onnx", "--baseline", "baseline.json")
    assert code == 0
    assert out.startswith("NON-COMPLIANT  twice.onnx\n")
    assert out.count("debt: the baseline knows it") == 2
    assert "2 findings are debt: it stays, but does not fail the run" in out


def test_a_new_finding_fails(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", *ALL, "-o", "baseline.json")
    worse(folder)
    code, out, _ = safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json", "--output", "json")
    known = {finding["rule"]: finding["known"] for finding in json.loads(out)["findings"]}
    assert code == 1
    assert known == {"reduce-mean": True, "reduce-other": False}
    assert {name: json.loads(out)["baseline"][name] for name in ("new", "debt", "paid")} == {
        "new": 1,
        "debt": 1,
        "paid": 0,
    }


def test_another_rule_with_the_same_fingerprint_is_new(folder: Path, safecheck: Run) -> None:
    """What was known of one rule excuses no other, whatever an edited file says."""
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    text = (folder / "baseline.json").read_text()
    assert safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")[0] == 0
    (folder / "baseline.json").write_text(text.replace('"reduce-mean"', '"softmax"'))
    assert safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")[0] == 1
    assert safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")[0] == 2, "it would grow"
    safecheck("baseline", "prune", "baseline.json")
    assert models(folder / "baseline.json") == {}


def test_the_new_finding_is_not_cut_off(folder: Path, safecheck: Run) -> None:
    def many(count: int) -> None:
        nodes = " ".join(f"y{number} = ReduceMean<axes=[3], keepdims=0>(x)" for number in range(count))
        outputs = ", ".join(f"y{number}" for number in range(count))
        model = model_from_text(f"(float[4,8,6,6] x) => ({outputs}, z) {{ {nodes} z = ReduceMean<axes=[2]>(x) }}")
        (folder / "many.onnx").write_bytes(model.SerializeToString())

    many(14)
    safecheck("baseline", "write", "many.onnx", "-o", "baseline.json")
    many(15)
    code, out, _ = safecheck("audit", "many.onnx", "--baseline", "baseline.json")
    lines = out.splitlines()
    assert code == 1
    assert "  1 finding is new" in lines
    assert "    and 6 more (all are in --output json)" in lines
    shown = [number for number, line in enumerate(lines) if line.startswith("    [")]
    assert len(shown) == 10
    assert [lines[number + 1] == "      debt: the baseline knows it" for number in shown] == [False, *[True] * 9]


def test_a_model_it_does_not_know_fails(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "twice.onnx", "-o", "baseline.json")
    assert safecheck("audit", "twice.onnx", "forbidden.onnx", "--baseline", "baseline.json")[0] == 1


def test_the_same_bytes_wherever_it_is_made(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", *ALL, "-o", "baseline.json")
    safecheck("baseline", "write", *reversed(ALL), "-o", "again.json")
    assert (folder / "baseline.json").read_bytes() == (folder / "again.json").read_bytes()
    text = (folder / "baseline.json").read_text()
    assert str(folder) not in text
    assert json.loads(text)["schema"] == "safecheck/baseline/1"
    assert list(models(folder / "baseline.json")) == sorted(ALL)


def test_models_are_named_relative_to_the_file(folder: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sub").mkdir()
    shutil.move(folder / "twice.onnx", folder / "sub" / "twice.onnx")
    safecheck("baseline", "write", "sub", str(folder / "forbidden.onnx"), "-o", "baseline.json")
    assert list(models(folder / "baseline.json")) == ["forbidden.onnx", "sub/twice.onnx"]
    monkeypatch.chdir(folder / "sub")
    assert safecheck("audit", "twice.onnx", "../forbidden.onnx", "--baseline", "../baseline.json")[0] == 0


def test_mandatory_rules_are_never_in_it(folder: Path, safecheck: Run) -> None:
    code, _, err = safecheck("baseline", "write", "mandatory.onnx", "-o", "baseline.json")
    assert code == 0
    assert "1 findings of mandatory rules are not: they keep failing" in err
    code, out, _ = safecheck("audit", "mandatory.onnx", "--output", "json")
    (finding,) = (part for part in json.loads(out)["findings"] if part["rule"] == "mistranslation-reduce-axes-input")
    # Nor does writing it in by hand help.
    content = json.loads((folder / "baseline.json").read_text())
    content["models"]["mandatory.onnx"].setdefault("forbidden", {})[finding["rule"]] = [finding["fingerprint"]]
    (folder / "baseline.json").write_text(json.dumps(content))
    code, out, _ = safecheck("audit", "mandatory.onnx", "--baseline", "baseline.json", "--output", "json")
    assert code == 1
    known = {part["rule"]: part["known"] for part in json.loads(out)["findings"]}
    assert known.pop("mistranslation-reduce-axes-input") is False
    assert all(known.values())


def test_what_was_unproven_does_not_excuse_a_refusal(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    content = json.loads((folder / "baseline.json").read_text())
    debt = content["models"]["forbidden.onnx"]
    debt["unproven"] = debt.pop("forbidden")
    (folder / "baseline.json").write_text(json.dumps(content))
    assert safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")[0] == 1


def test_a_refusal_that_became_unproven_is_kept_as_that(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "unproven.onnx", "-o", "baseline.json")
    content = json.loads((folder / "baseline.json").read_text())
    debt = content["models"]["unproven.onnx"]
    expected = dict(debt)
    debt["forbidden"] = debt.pop("unproven")
    (folder / "baseline.json").write_text(json.dumps(content))
    assert safecheck("audit", "unproven.onnx", "--baseline", "baseline.json")[0] == 0
    assert safecheck("baseline", "prune", "baseline.json")[0] == 0
    assert models(folder / "baseline.json")["unproven.onnx"] == expected


def test_an_unreadable_model_is_never_excused(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    (folder / "forbidden.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64)
    code, _, err = safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")
    assert code == 3
    assert "SC-IO-LFS" in err
    assert safecheck("baseline", "prune", "baseline.json")[0] == 3
    assert models(folder / "baseline.json")["forbidden.onnx"]["forbidden"]


def test_nothing_is_written_if_a_model_cannot_be_read(folder: Path, safecheck: Run) -> None:
    (folder / "twice.onnx").write_bytes(b"")
    code, _, err = safecheck("baseline", "write", *ALL, "-o", "baseline.json")
    assert code == 3
    assert "nothing was written" in err
    assert not (folder / "baseline.json").exists()


def test_a_valid_deviation_is_no_debt(folder: Path, safecheck: Run) -> None:
    safecheck("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    text = (folder / "d.yaml").read_text().replace("status: draft", "status: approved")
    for name in ("rationale", "risk", "mitigation", "requested_by", "ticket"):
        text = text.replace(f'{name}: ""', f"{name}: said")
    text = text.replace('approved_by: ""', "approved_by: other").replace('approved_on: ""', "approved_on: 2026-01-01")
    (folder / "d.yaml").write_text(text.replace('expires_on: ""', "expires_on: 2026-12-31"))
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    arguments = ("--baseline", "baseline.json", "--deviations", "d.yaml", "--as-of", "2026-06-01", "--output", "json")
    code, out, _ = safecheck("audit", "forbidden.onnx", *arguments)
    found = json.loads(out)
    assert (code, found["verdict"], found["baseline"]["debt"]) == (0, "compliant-with-deviations", 0)


# --- it only shrinks --------------------------------------------------------------------------------------------------


def test_writing_again_refuses_to_grow(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "forbidden.onnx", "twice.onnx", "-o", "baseline.json")
    before = (folder / "baseline.json").read_bytes()
    worse(folder)
    code, _, err = safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    assert code == 2
    assert err == (
        "error[SC-BASE-GROWS]: baseline.json: 1 findings would be added, first reduce-other in forbidden.onnx; a "
        "baseline only shrinks; fix them, record deviations, or add them knowingly with --accept-new\n"
    )
    assert (folder / "baseline.json").read_bytes() == before
    assert safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json", "--accept-new")[0] == 0
    assert set(models(folder / "baseline.json")) == {"forbidden.onnx", "twice.onnx"}
    assert safecheck("audit", "forbidden.onnx", "twice.onnx", "--baseline", "baseline.json")[0] == 0


def test_writing_again_may_shrink(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", "forbidden.onnx", "twice.onnx", "-o", "baseline.json")
    shutil.copy(folder / "allowed.onnx", folder / "forbidden.onnx")
    assert safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")[0] == 0
    assert models(folder / "baseline.json")["forbidden.onnx"] == {"profile": "tensorrt-8.6-restricted"}
    assert models(folder / "baseline.json")["twice.onnx"]["forbidden"]


def test_prune_removes_what_is_paid_and_adds_nothing(folder: Path, safecheck: Run) -> None:
    safecheck("baseline", "write", *ALL, "-o", "baseline.json")
    shutil.copy(folder / "forbidden.onnx", folder / "twice.onnx")
    (folder / "unproven.onnx").unlink()
    worse(folder)
    code, out, _ = safecheck("audit", "twice.onnx", "--baseline", "baseline.json", "--output", "json")
    assert json.loads(out)["baseline"]["paid"] == 2
    code, _, err = safecheck("baseline", "prune", "baseline.json")
    assert (code, err) == (0, "3 of 4 findings are paid, 1 are left in 1 models\n")
    left = models(folder / "baseline.json")
    assert list(left) == ["forbidden.onnx"]
    assert list(left["forbidden.onnx"]["forbidden"]) == ["reduce-mean"]
    assert safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")[0] == 1
    before = (folder / "baseline.json").read_bytes()
    assert safecheck("baseline", "prune", "baseline.json")[0] == 0
    assert (folder / "baseline.json").read_bytes() == before


def test_another_profile(folder: Path, safecheck: Run) -> None:
    safecheck(
        "baseline", "write", "forbidden.onnx", "-o", "baseline.json", "--profile", "tensorrt-8.6-restricted@8.6.12"
    )
    code, _, err = safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json")
    assert code == 2
    assert err.startswith("error[SC-BASE-PROFILE]: baseline.json: made with profile tensorrt-8.6-restricted@8.6.12")
    assert safecheck("baseline", "prune", "baseline.json")[0] == 0
    release = ("--profile", "tensorrt-8.6-restricted@8.6.12")
    assert safecheck("audit", "forbidden.onnx", "--baseline", "baseline.json", *release)[0] == 0


def test_prune_with_an_overlay(folder: Path, safecheck: Run) -> None:
    safecheck("rules", "init", "-o", "mine.yaml")
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json", "--profile", "mine.yaml")
    code, _, err = safecheck("baseline", "prune", "baseline.json")
    assert code == 2
    assert err.startswith("error[SC-BASE-PROFILE]: baseline.json: made with profile my-target")
    assert safecheck("baseline", "prune", "baseline.json", "--profile", "mine.yaml")[0] == 0
    assert models(folder / "baseline.json")["forbidden.onnx"]["forbidden"]


# --- files that must not be trusted -----------------------------------------------------------------------------------

DEBT = '{"profile": "p", "forbidden": {"r": ["f"]}}'
BROKEN = {
    "not there": (None, "baseline.json: there is no such file"),
    "no baseline": ('{"schema": "x", "models": {}}', "baseline.json:1: schema: 'x' is not known here"),
    "unknown key": ('{"schema": "safecheck/baseline/1",\n "model": {}}', "baseline.json:2: model: unknown key 'model'"),
    "a verdict that excuses": (
        '{"schema": "safecheck/baseline/1", "models": {"m": {"profile": "p",\n "allowed": {}}}}',
        "baseline.json:2: models.m.allowed: unknown key 'allowed'",
    ),
    "twice": (
        f'{{"schema": "safecheck/baseline/1", "models": {{"m": {DEBT},\n "m": {DEBT}}}}}',
        "baseline.json:2: models.m: key 'm' is already given in line 1",
    ),
    "no text": ('{"schema": "safecheck/baseline/1", "models": {"m": {"profile": 3}}}', "expected a text"),
    "cut off": ('{"schema": "safecheck/baseline/1",\n', "baseline.json:2: "),
}


@pytest.mark.parametrize(("text", "what"), BROKEN.values(), ids=BROKEN)
def test_one_line_with_file_and_line(folder: Path, safecheck: Run, text: str | None, what: str) -> None:
    if text is not None:
        (folder / "baseline.json").write_text(text)
    for command in (("audit", "forbidden.onnx", "--baseline", "baseline.json"), ("baseline", "prune", "baseline.json")):
        code, out, err = safecheck(*command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert err.startswith("error[SC-BASE-")
        assert what in err


def test_a_baseline_never_replaces_a_model(folder: Path, safecheck: Run) -> None:
    before = (folder / "forbidden.onnx").read_bytes()
    code, _, err = safecheck("baseline", "write", "forbidden.onnx", "-o", "forbidden.onnx")
    assert code == 2
    assert "this is an input" in err
    assert (folder / "forbidden.onnx").read_bytes() == before


@pytest.mark.parametrize("name", ["a\u202eb.onnx", "a\nb.onnx"])
def test_a_name_that_would_not_survive(folder: Path, safecheck: Run, name: str) -> None:
    shutil.copy(folder / "forbidden.onnx", folder / name)
    code, _, err = safecheck("baseline", "write", name, "-o", "baseline.json")
    assert code == 2
    assert err.startswith("error[SC-BASE-NAME]: ")
    assert err.count("\n") == 1
    safecheck("baseline", "write", "forbidden.onnx", "-o", "baseline.json")
    assert safecheck("audit", name, "--baseline", "baseline.json")[0] == 1


def test_a_name_in_another_script(folder: Path, safecheck: Run) -> None:
    shutil.copy(folder / "forbidden.onnx", folder / "überwachung 模型 😀.onnx")
    assert safecheck("baseline", "write", "überwachung 模型 😀.onnx", "-o", "baseline.json")[0] == 0
    assert safecheck("audit", "überwachung 模型 😀.onnx", "--baseline", "baseline.json")[0] == 0

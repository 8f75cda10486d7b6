"""Deviations: what a record must say, which count, and that a deviated finding stays in sight."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecheck.decisions.deviation_file import Record
from safecheck.decisions.deviations import Subject, match
from safecheck.finding import Finding, Location, Verdict

Run = Callable[..., tuple[int, str, str]]
FIELDS = {
    "id": "DEV-7",
    "rule": "reduce-mean",
    "rationale": "The builder of our release accepts this reduction.",
    "risk": "A later builder refuses it.",
    "mitigation": "The build log of every release is kept.",
    "requested_by": "Ada Lovelace",
    "approved_by": "Grace Hopper",
    "approved_on": "2026-03-01",
    "expires_on": "2026-09-30",
    "ticket": "SAFE-12",
    "max_count": 1,
}
DAY = "2026-06-01"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(folder: Path, scope: str, name: str = "deviations.yaml", **changes: object) -> Path:
    """A file with one record; None as a value leaves the key out."""
    fields = {key: value for key, value in {**FIELDS, **changes}.items() if value is not None}
    lines = [f"{key}: {json.dumps(value)}" for key, value in fields.items()] + ([f"scope: {scope}"] if scope else [])
    body = "".join(f"    {line}\n" for line in lines)
    path = folder / name
    path.write_text("schema: safecheck/deviations/1\ndeviations:\n  -\n" + body, encoding="utf-8")
    return path


def bound(folder: Path, model: str = "forbidden") -> str:
    return f'{{model: "{sha256(folder / f"{model}.onnx")}"}}'


def report(safecheck: Run, *arguments: str) -> tuple[int, dict[str, object]]:
    code, out, _ = safecheck("audit", *arguments, "--output", "json")
    return code, json.loads(out)


# --- records that count -----------------------------------------------------------------------------------------------


def test_a_valid_record_marks_the_finding_and_decides_the_verdict(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder))
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, found["verdict"]) == (0, "compliant-with-deviations")
    assert found["coverage"] == {
        "total": 2, "allowed": 1, "unproven": 0, "forbidden": 0, "deviated": 1, "skipped": 0,
    }  # fmt: skip
    (finding,) = found["findings"]
    assert finding["verdict"] == "forbidden"
    assert finding["deviation"]["id"] == "DEV-7"
    assert finding["deviation"]["expires_on"] == "2026-09-30"
    digest = hashlib.sha256((folder / "deviations.yaml").read_bytes()).hexdigest()
    assert found["deviations"] == {"as_of": DAY, "files": [digest], "valid": ["DEV-7"], "invalid": []}


def test_the_text_report_keeps_the_finding_and_says_who_decided(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder))
    code, out, err = safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, err) == (0, "")
    assert "FORBIDDEN  reduce-mean" in out
    assert "deviated by DEV-7, expires 2026-09-30" in out
    assert "Deviations as of 2026-06-01" in out
    assert "approved by Grace Hopper on 2026-03-01" in out


def test_a_record_by_fingerprint_survives_a_re_export(folder: Path, safecheck: Run) -> None:
    _, found = report(safecheck, "forbidden.onnx")
    written(folder, f'{{fingerprints: ["{found["findings"][0]["fingerprint"]}"]}}')
    renamed = (folder / "forbidden.onnx").read_bytes().replace(b"\x01s", b"\x01q")
    (folder / "again.onnx").write_bytes(renamed)
    assert sha256(folder / "again.onnx") != sha256(folder / "forbidden.onnx")
    code, found = report(safecheck, "again.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, found["verdict"]) == (0, "compliant-with-deviations")


def test_every_record_file_of_a_run_counts(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder), "one.yaml")
    written(folder, bound(folder, "twice"), "two.yaml", id="DEV-8", max_count=2)
    files = ("--deviations", "one.yaml", "--deviations", "two.yaml", "--as-of", DAY)
    code, found = report(safecheck, "forbidden.onnx", "twice.onnx", "allowed.onnx", *files)
    assert code == 0
    assert [part["deviations"]["valid"] for part in found["reports"]] == [["DEV-7"], ["DEV-8"], []]
    # Records of other models of the same run are no news at this one.
    assert [part["deviations"]["invalid"] for part in found["reports"]] == [[], [], []]


# --- records that count for nothing -----------------------------------------------------------------------------------

INVALID = {
    "expired": ({"expires_on": "2026-05-31"}, "expired on 2026-05-31"),
    "not yet approved": ({"approved_on": "2026-06-02"}, "not approved before 2026-06-02"),
    "backwards": ({"approved_on": "2026-05-01", "expires_on": "2026-04-01"}, "before it was approved"),
    "self-approved": ({"approved_by": " ada  LOVELACE\t"}, "approved by the person who requested it"),
    "self-approved, invisibly": ({"approved_by": "Ada\u200bLovelace"}, "approved by the person who requested it"),
    "self-approved, in Cyrillic": ({"approved_by": "\u0410da L\u043evelace"}, "approved by the person who requested"),
    "self-approved, I for l": ({"approved_by": "Ada LoveIace"}, "approved by the person who requested it"),
    "self-approved, full width": ({"approved_by": "\uff21da Lovelace"}, "approved by the person who requested it"),
    "self-approved, with a filler": ({"approved_by": "Ada\u3164 Lovelace"}, "approved by the person who requested it"),
    "self-approved, with accents": ({"approved_by": "Ada Lo\u0301vela\u0327ce."}, "approved by the person who"),
    "by nobody": ({"approved_by": "--"}, "approved_by is no name of a person"),
    "by a letter": ({"approved_by": "X."}, "approved_by is no name of a person"),
    "by letters that are not seen": ({"approved_by": "\u3164\u115f\uffa0"}, "approved_by is no name of a person"),
    "requested by a number": ({"requested_by": "4711"}, "requested_by is no name of a person"),
    "for a lifetime": ({"expires_on": "9999-12-31"}, "more than 731 days after it was approved"),
    "a day too long": ({"approved_on": "2026-03-01", "expires_on": "2028-03-02"}, "more than 731 days"),
    "draft": ({"status": "draft"}, "its status is draft"),
    "withdrawn": ({"status": "withdrawn"}, "its status is withdrawn"),
    "another rule": ({"rule": "softmax"}, "no such finding in this model"),
    "never approved": ({"approved_on": ""}, "approved_on is empty"),
    "for ever": ({"expires_on": ""}, "expires_on is empty"),
    **{
        name: ({name: "  "}, f"{name} is empty")
        for name in ("rationale", "risk", "mitigation", "requested_by", "approved_by", "ticket")
    },
}


@pytest.mark.parametrize(("changes", "reason"), INVALID.values(), ids=INVALID)
def test_it_is_listed_with_the_reason(folder: Path, safecheck: Run, changes: dict[str, object], reason: str) -> None:
    written(folder, bound(folder), **changes)
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, found["verdict"]) == (1, "non-compliant")
    assert found["findings"][0]["deviation"] is None
    (invalid,) = found["deviations"]["invalid"]
    assert invalid["id"] == "DEV-7"
    assert reason in invalid["reason"]
    assert invalid["place"].startswith("deviations.yaml:4")
    _, out, _ = safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert any(line.startswith("  INVALID  DEV-7") and reason in line for line in out.splitlines())


def test_one_finding_more_than_approved(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder, "twice"), max_count=1)
    code, found = report(safecheck, "twice.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert [finding["deviation"] for finding in found["findings"]] == [None, None]
    assert found["deviations"]["invalid"][0]["reason"] == "covers 2 findings, more than max_count 1"


def test_of_another_model(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder, "twice"))
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert found["deviations"]["invalid"][0]["reason"].startswith("bound to another model, SHA-256 ")


def test_a_fingerprint_that_is_no_finding(folder: Path, safecheck: Run) -> None:
    written(folder, f'{{fingerprints: ["{"0" * 32}"]}}')
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert found["deviations"]["invalid"][0]["reason"] == f"no finding {'0' * 32} in this model"


def test_a_fingerprint_of_another_rule(folder: Path, safecheck: Run) -> None:
    _, found = report(safecheck, "forbidden.onnx")
    fingerprint = found["findings"][0]["fingerprint"]
    written(folder, f'{{fingerprints: ["{fingerprint}"]}}', rule="softmax")
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert found["deviations"]["invalid"][0]["reason"] == f"{fingerprint} is a finding of reduce-mean"


def test_one_wrong_fingerprint_spoils_a_record_that_names_the_model(folder: Path, safecheck: Run) -> None:
    _, found = report(safecheck, "forbidden.onnx")
    names = f'["{found["findings"][0]["fingerprint"]}", "{"0" * 32}"]'
    written(folder, f'{{model: "{sha256(folder / "forbidden.onnx")}", fingerprints: {names}}}', max_count=2)
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert found["deviations"]["invalid"][0]["reason"] == f"no finding {'0' * 32} in this model"


def test_a_mandatory_rule(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder, "mandatory"), rule="mistranslation-reduce-axes-input")
    code, found = report(safecheck, "mandatory.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, found["verdict"]) == (1, "non-compliant")
    assert "the rule is mandatory" in found["deviations"]["invalid"][0]["reason"]


def test_what_a_record_does_not_cover_still_decides(folder: Path, safecheck: Run) -> None:
    _, found = report(safecheck, "twice.onnx")
    written(folder, f'{{fingerprints: ["{found["findings"][0]["fingerprint"]}"]}}')
    code, found = report(safecheck, "twice.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert (code, found["verdict"], found["coverage"]["deviated"]) == (1, "non-compliant", 1)


def test_a_model_that_cannot_be_read_is_never_excused(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder))
    (folder / "forbidden.onnx").write_bytes(b"")
    code, _, err = safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", DAY)
    assert code == 3
    assert "SC-IO-EMPTY" in err


# --- the day ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "code"), [("2026-02-28", 1), ("2026-03-01", 0), ("2026-09-30", 0), ("2026-10-01", 1)])
def test_the_first_and_the_last_day(folder: Path, safecheck: Run, day: str, code: int) -> None:
    written(folder, bound(folder))
    assert safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml", "--as-of", day)[0] == code


def test_the_day_comes_from_the_source_date_epoch(
    folder: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, bound(folder))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1780272000")
    code, found = report(safecheck, "forbidden.onnx", "--deviations", "deviations.yaml")
    assert (code, found["deviations"]["as_of"]) == (0, "2026-06-01")


@pytest.mark.parametrize("epoch", ["soon", "-1", "9" * 30, ""])
def test_a_broken_source_date_epoch(folder: Path, safecheck: Run, monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    written(folder, bound(folder))
    assert safecheck("audit", "allowed.onnx")[0] == 0
    code, _, err = safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml")
    assert code == 2
    assert err.startswith("error[SC-CFG-DATE]: SOURCE_DATE_EPOCH: ")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-2-3", "20260203", "٢٠٢٦-٠٢-٠٣"])
def test_a_day_that_is_none(folder: Path, safecheck: Run, day: str) -> None:
    code, _, err = safecheck("audit", "forbidden.onnx", "--as-of", day)
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("error[SC-CFG-DATE]: --as-of: ")


def test_without_deviations_no_day_is_in_the_report(folder: Path, safecheck: Run) -> None:
    _, found = report(safecheck, "forbidden.onnx", "--as-of", DAY)
    assert found["deviations"] is None


# --- files that must not be trusted -----------------------------------------------------------------------------------

BROKEN = {
    "unknown key": ({"expiry": "2026-01-01"}, None, "unknown key 'expiry' (did you mean 'expires_on'?)", 15),
    "missing key": ({"risk": None}, None, "key 'risk' is missing", 4),
    "no scope": ({}, "", "key 'scope' is missing", 4),
    "empty scope": ({}, "{}", "a record must be bound to something", 15),
    "a wildcard": ({}, '{model: "*"}', "a scope is never a wildcard", 15),
    "a wildcard among fingerprints": ({}, '{fingerprints: ["ab*"]}', "a scope is never a wildcard", 15),
    "a name as scope": ({}, '{model: "forbidden.onnx"}', "expected 64 lower-case hexadecimal digits", 15),
    "no fingerprints": ({}, "{fingerprints: []}", "binds the record to nothing", 15),
    "a misspelt scope": ({}, '{modell: "0"}', "unknown key 'modell' (did you mean 'model'?)", 15),
    "unknown rule": ({"rule": "reduce-meen"}, None, "no rule 'reduce-meen' (did you mean 'reduce-mean'?)", 5),
    "no day": ({"expires_on": "2026-02-30"}, None, "'2026-02-30' is not a day", 12),
    "a number": ({"rationale": 5}, None, "expected a text", 6),
    "no count": ({"max_count": 0}, None, "at least 1", 14),
    "a text as count": ({"max_count": "many"}, None, "at least 1", 14),
    "an odd id": ({"id": "DEV 7"}, None, "an id is letters, digits", 4),
    "unknown status": ({"status": "aproved"}, None, "'aproved' is not known here (did you mean 'approved'?)", 15),
}


@pytest.mark.parametrize(("changes", "scope", "what", "line"), BROKEN.values(), ids=BROKEN)
def test_one_line_with_file_line_and_a_way_out(
    folder: Path, safecheck: Run, changes: dict[str, object], scope: str | None, what: str, line: int
) -> None:
    written(folder, bound(folder) if scope is None else scope, **changes)
    for command in (
        ("audit", "forbidden.onnx", "--deviations", "deviations.yaml"),
        ("deviations", "check", "deviations.yaml"),
    ):
        code, out, err = safecheck(*command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert re.match(rf"error\[SC-DEV-(FILE|RULE)\]: deviations\.yaml:{line}: deviations\[0\].*; .+", err), err
        assert what in err


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("deviations: [\n", "YAML", "deviations.yaml:2"),
        ("deviations: []\ndeviations: []\n", "FILE", "key 'deviations' is already given in line 1"),
        ("deviations: &a []\n", "YAML", "anchor"),
        ("deviation: []\n", "FILE", "unknown key 'deviation' (did you mean 'deviations'?)"),
        ("schema: safecheck/deviations/2\ndeviations: []\n", "FILE", "use one of: safecheck/deviations/1"),
        ("- 1\n", "FILE", "expected a mapping, found a list"),
        ("", "YAML", "the file is empty"),
    ],
)  # fmt: skip
def test_a_file_of_another_shape(folder: Path, safecheck: Run, text: str, code: str, what: str) -> None:
    (folder / "deviations.yaml").write_text(text, encoding="utf-8")
    status, out, err = safecheck("audit", "forbidden.onnx", "--deviations", "deviations.yaml")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"error[SC-DEV-{code}]: deviations.yaml")
    assert what in err


def test_files_that_cannot_be_read(folder: Path, safecheck: Run) -> None:
    (folder / "latin.yaml").write_bytes(b"deviations: []\n# \xe9\n")
    (folder / "big.yaml").write_bytes(b"#" * (2 << 20))
    for name, what in (
        ("missing.yaml", "missing.yaml: there is no such file"),
        (".", "not a regular file"),
        ("latin.yaml", "latin.yaml:2: not UTF-8 text"),
        ("big.yaml", "larger than"),
    ):
        code, _, err = safecheck("audit", "forbidden.onnx", "--deviations", name)
        assert code == 2
        assert err.count("\n") == 1
        assert err.startswith("error[SC-DEV-FILE]: ")
        assert what in err


def test_one_id_twice(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder), "one.yaml")
    written(folder, bound(folder), "two.yaml")
    code, _, err = safecheck("audit", "forbidden.onnx", "--deviations", "one.yaml", "--deviations", "two.yaml")
    assert code == 2
    assert err.startswith("error[SC-DEV-ID]: two.yaml:4: deviations[0]: the id 'DEV-7' is already taken at one.yaml:4")


def test_a_report_never_replaces_the_records(folder: Path, safecheck: Run) -> None:
    path = written(folder, bound(folder))
    before = path.read_text()
    code, _, err = safecheck("audit", "forbidden.onnx", "--deviations", str(path), "--output", f"json={path}")
    assert code == 2
    assert "this is an input" in err
    assert path.read_text() == before


def test_no_absolute_path_in_a_report(folder: Path, safecheck: Run) -> None:
    path = written(folder, bound(folder), status="draft")
    _, found = report(safecheck, str(folder / "forbidden.onnx"), "--deviations", str(path))
    assert found["deviations"]["invalid"][0]["place"] == "deviations.yaml:4: deviations[0]"
    assert str(folder) not in json.dumps(found)


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [(), ("--node", "mean"), ("--fingerprint", "")])
def test_a_new_record_counts_only_when_it_is_filled_in(folder: Path, safecheck: Run, option: tuple[str, ...]) -> None:
    if option:
        import onnx

        model = onnx.load(folder / "forbidden.onnx")
        model.graph.node[1].name = "mean"
        onnx.save(model, folder / "forbidden.onnx")
    if option[:1] == ("--fingerprint",):
        option = ("--fingerprint", report(safecheck, "forbidden.onnx")[1]["findings"][0]["fingerprint"])
    code, out, err = safecheck("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", *option, "-o", "d.yaml")
    assert (code, out) == (0, "")
    assert "counts for nothing until it is filled in" in err
    stub = (folder / "d.yaml").read_text()
    assert ("fingerprints:" in stub) is bool(option)
    code, out, _ = safecheck("deviations", "check", "d.yaml", "forbidden.onnx")
    assert (code, out) == (1, "INVALID  DEV-1  reduce-mean: its status is draft\n")
    approved = stub.replace("status: draft", "status: approved")
    for name in ("rationale", "risk", "mitigation", "ticket"):
        (folder / "d.yaml").write_text(approved)
        assert f"{name} is empty" in safecheck("deviations", "check", "d.yaml")[1]
        approved = approved.replace(f'{name}: ""', f"{name}: said")
        if name == "mitigation":
            approved = approved.replace('requested_by: ""', "requested_by: Ada")
            approved = approved.replace('approved_by: ""', "approved_by: Grace")
    approved = approved.replace('approved_on: ""', "approved_on: 2026-03-01")
    approved = approved.replace('expires_on: ""', "expires_on: 2026-09-30")
    (folder / "d.yaml").write_text(approved)
    code, out, _ = safecheck("deviations", "check", "d.yaml", "forbidden.onnx", "--as-of", DAY)
    assert (code, out) == (0, "valid    DEV-1  reduce-mean\n")
    assert safecheck("audit", "forbidden.onnx", "--deviations", "d.yaml", "--as-of", DAY)[0] == 0


def test_a_new_record_never_replaces_a_file(folder: Path, safecheck: Run) -> None:
    (folder / "d.yaml").write_text("mine")
    code, _, err = safecheck("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    assert code == 2
    assert err.startswith("error[SC-DEV-FILE]: d.yaml:1")
    assert (folder / "d.yaml").read_text() == "mine"


def test_a_second_record_is_appended_and_counts_on(folder: Path, safecheck: Run) -> None:
    new = ("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    assert safecheck(*new)[0] == 0
    first = (folder / "d.yaml").read_text().replace('ticket: ""', 'ticket: "ours"  # kept')
    (folder / "d.yaml").write_text(first.removesuffix("\n"))
    code, out, err = safecheck(*new)
    assert (code, out) == (0, "")
    assert err.startswith("DEV-2: ")
    assert "DEV-1 in d.yaml is about the same findings" in err
    assert safecheck(*new, "--id", "SAFE.9")[0] == 0
    assert safecheck(*new)[2].startswith("DEV-3: ")
    text = (folder / "d.yaml").read_text()
    assert text.startswith(first)
    assert text.count("schema:") == 1
    _, out, _ = safecheck("deviations", "list", "d.yaml")
    assert [line.split()[0] for line in out.splitlines()] == ["DEV-1", "DEV-2", "SAFE.9", "DEV-3"]
    code, _, err = safecheck(*new, "--id", "DEV-2")
    assert code == 2
    assert "already taken" in err
    assert (folder / "d.yaml").read_text() == text


def test_the_indentation_and_the_line_ends_of_the_file_are_kept(folder: Path, safecheck: Run) -> None:
    new = ("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    safecheck(*new)
    lines = (folder / "d.yaml").read_text().splitlines()
    flat = "\r\n".join(line.removeprefix("  ") for line in lines) + "\r\n"
    (folder / "d.yaml").write_bytes(flat.encode())
    assert safecheck(*new)[0] == 0
    data = (folder / "d.yaml").read_bytes()
    assert data.startswith(flat.encode())
    assert data.count(b"\n") == data.count(b"\r\n")
    assert b"\r\n- id: DEV-2\r\n" in data


@pytest.mark.parametrize("text", ["deviations: []\n", "deviations: []\nschema: safecheck/deviations/1\n"])
def test_a_list_that_does_not_end_the_file_is_left_alone(folder: Path, safecheck: Run, text: str) -> None:
    (folder / "d.yaml").write_text(text)
    code, _, err = safecheck("deviations", "new", "forbidden.onnx", "--rule", "reduce-mean", "-o", "d.yaml")
    assert code == 2
    assert "does not end the file" in err
    assert (folder / "d.yaml").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("forbidden.onnx", "--rule", "reduce-maen"),
            "error[SC-DEV-NEW]: --rule: no finding of 'reduce-maen' in forbidden",
        ),
        (
            ("forbidden.onnx", "--rule", "reduce-mean", "--node", "x"),
            "error[SC-DEV-NEW]: --node: no finding of reduce-mean at",
        ),
        (("forbidden.onnx", "--rule", "reduce-mean", "--id", "a: b"), "error[SC-DEV-NEW]: --id: 'a: b': an id is"),
        (("mandatory.onnx", "--rule", "mistranslation-reduce-axes-input"), "error[SC-DEV-MANDATORY]: --rule: "),
    ],
)
def test_nothing_to_record(folder: Path, safecheck: Run, arguments: tuple[str, ...], expected: str) -> None:
    code, out, err = safecheck("deviations", "new", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(expected)
    assert err.count("\n") == 1


def test_check_names_the_model_that_a_record_does_not_fit(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder, "twice"))
    code, out, err = safecheck("deviations", "check", "deviations.yaml", "twice.onnx", "allowed.onnx", "--as-of", DAY)
    assert (code, out) == (1, "INVALID  DEV-7  reduce-mean: covers 2 findings, more than max_count 1 (twice.onnx)\n")
    assert err == "1 records as of 2026-06-01, 1 count for nothing\n"


def test_check_of_a_mandatory_rule_needs_no_model(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder), rule="mistranslation-reduce-axes-input")
    code, out, _ = safecheck("deviations", "check", "deviations.yaml", "--as-of", DAY)
    assert code == 1
    assert "the rule is mandatory" in out


def test_check_with_a_model_that_cannot_be_read(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder))
    code, _, err = safecheck("deviations", "check", "deviations.yaml", "missing.onnx", "forbidden.onnx", "--as-of", DAY)
    assert code == 3
    assert "SC-IO-MISSING" in err


def test_list(folder: Path, safecheck: Run) -> None:
    written(folder, bound(folder), ticket="SAFE-12\u202e")
    code, out, _ = safecheck("deviations", "list", "deviations.yaml")
    assert code == 0
    digest = sha256(folder / "forbidden.onnx")[:16]
    assert out == f"DEV-7  reduce-mean  model {digest}…  approved, expires 2026-09-30, SAFE-12\\u202e\n"


# --- properties -------------------------------------------------------------------------------------------------------

DAYS = st.dates(datetime.date(2026, 1, 1), datetime.date(2026, 1, 20))
NAMES = tuple(f"{number:032x}" for number in range(4))


def finding(fingerprint: str, rule: str) -> Finding:
    place = Location("", 0, "", "Erf", "", ("y",))
    return Finding(rule, Verdict.FORBIDDEN, None, "", "", "", place, (), (), (), (), fingerprint)


FINDINGS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["a", "b"]), max_size=4).map(
    lambda found: tuple(finding(name, rule) for name, rule in found.items())
)
SUBJECTS = st.builds(
    Subject, st.sampled_from(["", "m1", "m2"]), FINDINGS, st.sampled_from([frozenset(), frozenset("b")])
)
RECORDS = st.builds(
    Record,
    id=st.just("D"),
    rule=st.sampled_from(["a", "b", "c"]),
    model_sha256=st.sampled_from(["", "m1", "m2"]),
    fingerprints=st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple),
    prose=st.fixed_dictionaries(
        {
            **dict.fromkeys(
                ("rationale", "risk", "mitigation", "ticket"), st.sampled_from(["said", "said", "said", ""])
            ),
            **dict.fromkeys(("requested_by", "approved_by"), st.sampled_from(["Ada", "ada ", "Grace", "Alan"])),
        }
    ),
    approved_on=st.none() | DAYS,
    expires_on=st.none() | DAYS,
    max_count=st.integers(1, 3),
    status=st.sampled_from(["approved", "approved", "approved", "draft", "withdrawn"]),
    place=st.just("f:1"),
    rule_place=st.just("f:1"),
)


@given(st.lists(RECORDS, max_size=3), st.lists(SUBJECTS, min_size=1, max_size=3), DAYS)
def test_only_what_somebody_else_approved_for_this_finding_on_this_day_counts(
    records: list[Record], subjects: list[Subject], day: datetime.date
) -> None:
    numbered = [
        Record(**{name: getattr(record, name) for name in Record.__slots__} | {"id": f"D{number}"})
        for number, record in enumerate(records)
    ]
    by_id = {record.id: record for record in numbered}
    matched = match(numbered, subjects, day)
    for subject, found in zip(subjects, matched, strict=True):
        rules = {finding.fingerprint: finding.rule for finding in subject.findings}
        for name, deviation in found.deviated.items():
            record = by_id[deviation.id]
            assert rules[name] == record.rule
            assert record.rule not in subject.mandatory
            assert name in record.fingerprints
            assert record.model_sha256 in ("", subject.sha256)
            assert record.approved_on is not None
            assert record.expires_on is not None
            assert record.approved_on <= day <= record.expires_on
            assert record.status == "approved"
            assert all(record.prose.values())
            assert record.prose["requested_by"].strip().lower() != record.prose["approved_by"].strip().lower()
        used = [deviation.id for deviation in found.deviated.values()]
        assert all(used.count(name) <= by_id[name].max_count for name in used)
        assert {invalid.id for invalid in found.invalid}.isdisjoint(used)
    # Every record shows up somewhere, unless an earlier one already covers all that it would.
    shown = {invalid.id for found in matched for invalid in found.invalid}
    shown |= {deviation.id for found in matched for deviation in found.deviated.values()}
    for record in numbered:
        if record.id not in shown:
            assert len(match([record], subjects, day)[0].invalid) == 0


@given(RECORDS, SUBJECTS, DAYS, DAYS)
def test_a_record_counts_on_one_span_of_days(
    record: Record, subject: Subject, first: datetime.date, second: datetime.date
) -> None:
    valid = [bool(match([record], [subject], day)[0].deviated) for day in (first, second)]
    middle = min(first, second) + abs(second - first) // 2
    if all(valid):
        assert match([record], [subject], middle)[0].deviated


def test_the_documented_record_is_one(folder: Path, safecheck: Run) -> None:
    text = (Path(__file__).parents[2] / "docs" / "deviations.md").read_text(encoding="utf-8")
    block = text.split("```yaml\n")[1].split("```")[0]
    digest = re.search(r"[0-9a-f]{64}", block)
    assert digest is not None
    (folder / "deviations.yaml").write_text(block.replace(digest.group(), sha256(folder / "forbidden.onnx")))
    code, out, _ = safecheck("deviations", "check", "deviations.yaml", "forbidden.onnx", "--as-of", DAY)
    assert (code, out) == (0, "valid    DEV-7  reduce-mean\n")
    assert {key for key in FIELDS if f"    {key}:" not in block and f"- {key}:" not in block} == set()
    (folder / "deviations.yaml").write_text(block.replace("expires_on", "expiry"))
    documented = next(line for line in text.splitlines() if line.startswith("error[")).partition(";")[0]
    assert safecheck("deviations", "check", "deviations.yaml")[2].startswith(documented)

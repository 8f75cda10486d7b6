"""The report on a fleet: one page and one table, from the results of real audits."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import onnx
import pytest
from case_files import model_from_text
from html5lib import HTMLParser
from processes import safecheck_text
from workflow_repo import ALLOWED, FORBIDDEN, UNPROVEN

TARGETS = ("tensorrt-8.6-restricted", "tensorrt-10-safety")
HOSTILE = '=cmd|"calc"!A1<script>alert(1)<\\script>.onnx'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`all.jsonl`: four models under two targets."""
    folder = tmp_path_factory.mktemp("fleet")
    texts = {"a.onnx": ALLOWED, "b.onnx": FORBIDDEN, "c.onnx": UNPROVEN, HOSTILE: FORBIDDEN}
    for name, text in texts.items():
        onnx.save(model_from_text(text), folder / name)
    (folder / "empty.onnx").write_bytes(b"")
    lines = []
    for target in TARGETS:
        names = [*texts, "empty.onnx"]
        done = safecheck_text("audit", "--isolated", "--no-cache", "--profile", target, "--output", "jsonl", "--",
                              *names, cwd=folder)  # fmt: skip
        lines.append(done.stdout)
    (folder / "all.jsonl").write_text("".join(lines))
    return folder


def report(folder: Path, *arguments: str) -> str:
    done = safecheck_text("fleet", *arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


def test_what_is_counted_is_what_the_audits_say(folder: Path) -> None:
    found = json.loads(report(folder, "all.jsonl", "--output", "json"))
    audits = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    assert len(found["rows"]) == len(audits) == 10
    assert found["models"] == 5
    for target in found["targets"]:
        said = [audit["verdict"] for audit in audits if audit["profile"]["id"] == target["id"]]
        assert target["verdicts"] == {verdict: said.count(verdict) for verdict in sorted(set(said))}
    rules = {rule["rule"]: rule for rule in found["rules"] if rule["target"] == TARGETS[0]}
    assert rules["reduce-mean"]["models"] == 2
    row = next(row for row in found["rows"] if row["model"] == "b.onnx" and row["target"] == TARGETS[0])
    audit = next(one for one in audits if one["model"]["path"] == "b.onnx")
    assert row["findings"] == len(audit["findings"])
    assert row["remedied"] == sum(bool(finding["remedies"]) for finding in audit["findings"])


def test_what_a_change_of_target_breaks(folder: Path) -> None:
    found = json.loads(report(folder, "all.jsonl", "--output", "json"))
    passes = {(row["model"], row["target"]) for row in found["rows"] if row["exit_code"] == 0}
    expected = {
        (model, one, other)
        for model, one in passes
        for other in TARGETS
        if other != one and (model, other) not in passes
    }
    assert {tuple(change.values()) for change in found["broken_by_change_of_target"]} == expected
    assert expected, "the example breaks something"


def test_a_table_holds_no_formula_and_no_hidden_text(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(report(folder, "all.jsonl", "--output", "csv"))))
    assert len(rows) == 10
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert sum(row["model"].startswith("'=cmd") for row in rows) == 2


def test_the_table_as_parquet(folder: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    report(folder, "all.jsonl", "--output", "parquet=fleet.parquet")
    table = parquet.read_table(folder / "fleet.parquet").to_pylist()
    rows = json.loads(report(folder, "all.jsonl", "--output", "json"))["rows"]
    assert [row["verdict"] for row in table] == [row["verdict"] for row in rows]
    assert [row["rules"] for row in table] == [row["rules"] for row in rows]


def test_the_page_is_strict_html_and_no_name_is_markup(folder: Path) -> None:
    page = report(folder, "all.jsonl", "--output", "html")
    document = HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    assert len(document.findall(".//script")) == 1
    assert "<script>alert" not in page
    assert len(document.findall(".//table[@class='list models']")[-1].findall(".//tbody/tr")) == 10
    assert "http://" not in page
    assert "https://" not in page


def test_what_has_changed(folder: Path) -> None:
    report(folder, "all.jsonl", "--output", "json=before.json")
    lines = (folder / "all.jsonl").read_text().splitlines(keepends=True)
    gone = [line for line in lines if '"a.onnx"' not in line]
    changed = [line.replace('"verdict": "inconclusive", "exit_code": 3', '"verdict": "compliant", "exit_code": 0')
               if '"path": "c.onnx"' in line else line for line in gone]  # fmt: skip
    (folder / "now.jsonl").write_text("".join(changed))
    found = json.loads(report(folder, "now.jsonl", "--since", "before.json", "--output", "json"))
    before = {
        (row["model"], row["target"]): row["verdict"]
        for row in json.loads((folder / "before.json").read_text())["rows"]
    }
    after = {(row["model"], row["target"]): row["verdict"] for row in found["rows"]}
    told = {(one["model"], one["target"]): (one["before"], one["after"]) for one in found["since"]}
    keys = before.keys() | after.keys()
    assert told == {
        key: (before.get(key, "not there"), after.get(key, "not there"))
        for key in keys
        if before.get(key) != after.get(key)
    }
    assert ("a.onnx", TARGETS[0]) in told
    assert "verdicts are others than before" in report(folder, "now.jsonl", "--since", "before.json")


@pytest.mark.parametrize("content", ["{}\n", "nonsense\n", '{"schema": "safecheck/report/1"}\n', "[" * 100_000 + "\n"])
def test_what_is_no_result_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.jsonl").write_text(content)
    done = safecheck_text("fleet", "odd.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error[SC-FLEET-READ]: odd.jsonl:1: ")

"""`safecheck rules ...` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import processes
import pytest

BASE = "tensorrt-8.6-restricted"
EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.safecheck_text("rules", *arguments)


def test_list_filters() -> None:
    rules = json.loads(run("list", "--profile", BASE, "--layer", "IPoolingLayer", "--output", "json").stdout)
    assert {rule["id"] for rule in rules} >= {"pool-average-observed", "pool-other"}
    assert all("IPoolingLayer" in rule["layers"] for rule in rules)
    forbidden = run("list", "--profile", BASE, "--op", "ReduceMean", "--verdict", "forbidden").stdout
    assert "reduce-mean" in forbidden
    assert "mistranslation-reduce-axes-input" in forbidden
    assert "conv-observed" not in forbidden
    secondary = run("list", "--profile", BASE, "--grade", "secondary")
    assert secondary.stdout == ""
    assert secondary.stderr == "0 rules\n"


def test_the_summary_adds_up() -> None:
    rows = json.loads(run("list", "--profile", BASE, "--summary", "--output", "json").stdout)
    rules = json.loads(run("list", "--profile", BASE, "--output", "json").stdout)
    assert sum(row["rules"] for row in rows) == len(rules)
    assert {row["profile"] for row in rows} == {BASE}


def test_show_says_everything() -> None:
    shown = run("show", "reduce-mean", "--profile", BASE)
    assert shown.returncode == 0
    for part in ("forbidden (documented)", "kind: equals kAVG", "way out", "reduce-mean-to-average-pool", "https://"):
        assert part in shown.stdout
    assert run("explain", "reduce-mean", "--profile", BASE).stdout == shown.stdout


def test_an_unknown_rule_is_suggested() -> None:
    shown = run("show", "reduce-meen", "--profile", BASE)
    assert shown.returncode == 2
    assert "did you mean 'reduce-mean'" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


def test_init_then_lint_then_audit(tmp_path: Path) -> None:
    overlay = tmp_path / "ours.yaml"
    assert run("init", "-o", str(overlay)).returncode == 0
    before = overlay.read_bytes()
    again = run("init", "-o", str(overlay))
    assert again.returncode == 2
    assert overlay.read_bytes() == before
    linted = run("lint", str(overlay))
    assert linted.returncode == 0
    overlay.write_text(overlay.read_text().replace("fact: window", "fact: windo"))
    broken = run("lint", str(overlay))
    assert broken.returncode == 2
    assert "did you mean 'window'" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_diff_of_two_releases_and_of_a_model() -> None:
    result = run("diff", BASE, BASE, "--model", str(EXAMPLES / "csa-block.onnx"))
    assert result.returncode == 0
    assert "verdict: compliant -> compliant" in result.stdout


def test_facts_are_documented() -> None:
    lines = run("facts").stdout.splitlines()
    assert any(line.startswith("kernel ") for line in lines)
    assert all(len(line.split(None, 1)) == 2 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rules", "list", "--op", "Resise"), "did you mean 'Resize'"),
        (("rules", "list", "--layer", "IPolingLayer"), "did you mean 'IPoolingLayer'"),
        (("selftest", "--profile", "tensorrt-10-saftey"), "did you mean 'tensorrt-10-safety'"),
        (("rules", "show", "resize-size"), "did you mean 'resize-sizes'"),
    ],
)
def test_a_misspelt_name_is_one_line_with_a_suggestion(arguments: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "safecheck", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr

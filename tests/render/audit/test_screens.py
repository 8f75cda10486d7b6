"""The first and the last screen of a failing audit answer why, how much, and what now, at 80 columns."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from case_files import model_from_text

from safecheck.audit.plan import Plan
from safecheck.audit.report import Report
from safecheck.cost.price import Price
from safecheck.finding import ModelVerdict
from safecheck.intake.memory import InMemory
from safecheck.render.audit.concise import document as concise
from safecheck.render.audit.text import document
from safecheck.render.terminal import wrap
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import judged

DEFAULT = "tensorrt-8.6-restricted"


def audited(text: str, path: str = "model.onnx", name: str = DEFAULT, opset: int = 17) -> Report:
    report = judged(InMemory(model_from_text(text, opset).SerializeToString()), profile(name))
    return replace(report, path=path)


def screen(report: Report) -> list[str]:
    return [part for line in document([report]) for part in wrap(line.text, 80)]


def mixed(moves: int) -> Report:
    """One TopK, which nothing replaces, and many transposes, which `fix` rewrites."""
    steps = [f"t{n} = Transpose<perm = [0, 2, 3, 1]>({'x' if n == 0 else f't{n - 1}'})" for n in range(moves)]
    text = f"{' '.join(steps)} y, i = TopK(t{moves - 1}, k)"
    return audited(f"(float[1,8,8,8] x) => (y) <int64[1] k = {{1}}> {{ {text} }}")


def test_what_no_rewrite_removes_comes_first_and_then_what_has_most_places() -> None:
    lines = screen(mixed(20))
    head = next(number for number, line in enumerate(lines) if "fix removes" in line)
    assert lines[head + 1].split()[:4] == ["TopK", "1", "0", "1"]
    assert lines[head + 2].split()[:5] == ["data", "movement", "20", "20", "0"]
    assert head < 10
    assert max(map(len, lines[: head + 5])) <= 80


def test_the_next_command_is_on_the_first_and_the_last_screen() -> None:
    lines = screen(mixed(20))
    command = "  next      safecheck fix model.onnx -o model.fixed.onnx"
    assert command in lines[:24]
    assert lines[-1] == command
    assert lines[-5].startswith("NON-COMPLIANT  model.onnx")


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("a b.onnx", "safecheck fix 'a b.onnx' -o 'a b.fixed.onnx'"),
        ("-x.onnx", "safecheck fix ./-x.onnx -o ./-x.fixed.onnx"),
        ("a\x1b[31m.onnx", "safecheck fix MODEL -o MODEL"),
        ("-", "safecheck fix MODEL -o model.fixed.onnx"),
    ],
)
def test_the_next_command_can_be_pasted(path: str, command: str) -> None:
    report = replace(mixed(2), path=path)
    assert f"  next      {command}" in [line.text for line in document([report])]


@pytest.mark.parametrize("path", ["model.onnx", f"{'folder/' * 9}model.onnx"])
@pytest.mark.parametrize("is_planned", [False, True])
def test_a_screen_is_ten_lines_however_many_kinds_there_are(path: str, is_planned: bool) -> None:
    operators = ["LRN<size = 3>", "Softmax", "Erf", "Exp", "Tanh", "Elu", "Selu", "Softsign", "Mish", "Floor", "Ceil"]
    steps = [f"t{n + 1} = {operator}(t{n})" for n, operator in enumerate(operators)]
    text = f"(float[1,8,8,8] x) => (y) {{ t0 = Sigmoid(x) {' '.join(steps)} y = Sin(t{len(steps)}) }}"
    before, after = Price(10**9, 0, 10**8, 10), Price(2 * 10**9, 0, 3 * 10**8, 20)
    plan = Plan(0, 0, ModelVerdict.COMPLIANT, before, after) if is_planned else None
    report = replace(audited(text, path, opset=18), plan=plan)
    lines = [line.text for line in document([report])]
    begins = next(number for number in range(len(lines) - 1, 0, -1) if lines[number] == lines[0])
    assert lines[begins:] == lines[: len(lines) - begins]  # the first screen is the last one
    shown = sum(-(-len(line) // 80) for line in lines[begins:])
    assert shown <= 10
    others = next(line for line in lines[begins:] if line.startswith("  and "))
    rows = [line for line in lines[begins + 2 :] if line.split()[0] in map(name_of, [*operators, "Sin"])]
    named = [part.rstrip(",:").split()[1] for part in others.removeprefix("  and ").split(", ") if "more" not in part]
    more = int(others.split(" more kind")[0].split()[-1]) if " more kind" in others else 0
    assert len(rows) + len(named) + more == len(operators) + 1


def name_of(operator: str) -> str:
    return operator.partition("<")[0]


def test_a_target_that_is_not_the_default_is_named() -> None:
    text = "(float[4,8,8,8] x) => (y) { y = Softmax(x) }"
    lines = screen(audited(text, name="tensorrt-8.5-restricted"))
    # 8.5 allows nothing that is known, so no rewrite ends well: the target's own builder has to be asked
    assert "  next      safecheck probe model.onnx -o measured.yaml --profile tensorrt-8.5-restricted" in lines


def test_an_open_batch_is_closed_by_the_next_command() -> None:
    lines = screen(audited("(float[N,8,8,8] x) => (y) { y = Sigmoid(x) }"))
    assert "  next      safecheck fix model.onnx -o model.fixed.onnx --batch 1" in lines


def test_a_row_stays_one_line_in_a_narrow_terminal() -> None:
    lines = screen(mixed(20))
    head = next(number for number, line in enumerate(lines) if "fix removes" in line)
    for line in lines[head : head + 3]:
        assert len(wrap(line, 60)) == 1
        assert wrap(line, 60)[0].split() == line.split()
        assert wrap(line, 80) == [line]
    known = "  known     " + "words " * 12
    assert len(wrap(known, 60)) == 2
    assert wrap(known, 60)[1].startswith(" " * 12)


def test_what_needs_another_interface_is_asked_for_by_the_next_command() -> None:
    text = "(float[8] x) => (float[1,8,1,1] y) <int64[4] s = {1, 8, 1, 1}> { q = Reshape (x, s) y = Sigmoid (q) }"
    assert "  next      safecheck fix model.onnx -o model.fixed.onnx --io 4d" in screen(audited(text))
    sizes = screen(audited("(float[1,8,H,W] x) => (float[1,8,H,W] y) { y = Sigmoid (x) }"))
    assert "  next      safecheck rules show dynamic-shape" in sizes


def test_a_model_that_passes_has_nothing_to_do_next() -> None:
    lines = screen(audited("(float[4,8,8,8] x) => (y) { y = Sigmoid(x) }"))
    assert lines[0] == lines[-1] == "COMPLIANT  model.onnx"
    assert not [line for line in lines if line.startswith(("  next", "  what stops it"))]


def test_a_plan_says_what_is_left_and_for_which_price() -> None:
    before, after = Price(10**9, 0, 10**8, 10), Price(2 * 10**9, 0, 3 * 10**8, 20)
    plan = Plan(0, 0, ModelVerdict.COMPLIANT, before, after)
    lines = screen(replace(mixed(2), plan=plan))
    line = next(line for line in lines if "after `safecheck fix`" in line)
    assert line.startswith("  after `safecheck fix`: 0 forbidden, 0 unproven (price x2.9: 1 -> 2 G MACs, ")


def test_a_plan_that_leaves_as_much_is_no_reason_to_fix() -> None:
    report = mixed(2)
    plan = Plan(report.coverage["forbidden"], report.coverage["unproven"], ModelVerdict.NON_COMPLIANT)
    lines = screen(replace(report, plan=plan))
    assert "  next      safecheck rules show top-k" in lines


def test_nodes_are_not_added_up_under_rules() -> None:
    report = audited("(float[4,8,8,8] x) => (y) { s = Sigmoid(x) y = Mul(x, s) }")
    lines = list(islice((line.text for line in document([report])), 40))
    assert "Rules that the allowed nodes rest on; a node of several layers rests on several" in lines
    assert not [line for line in lines if line.strip().startswith("2 nodes  ")]


def test_concise_is_one_line_a_finding() -> None:
    lines = [line.text for line in concise([mixed(2)])]
    assert len(lines) == len(mixed(2).findings) + 1
    assert lines[0].startswith("model.onnx:t0: shuffle-other unproven: ")
    assert lines[-1] == "NON-COMPLIANT  model.onnx"

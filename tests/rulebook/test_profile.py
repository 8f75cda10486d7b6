"""The shipped rule files are sound, and a broken one is refused in one line that says where and what to do."""

# ruff: noqa: E501 - a table is read across

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from safecheck.cost.published import published
from safecheck.errors import RuleFileError, UsageError
from safecheck.finding import Citation, Verdict
from safecheck.rulebook.load import DEFAULT, profile, shipped
from safecheck.rulebook.lowering.table import table_from_yaml
from safecheck.rulebook.profile import OF_OPERATOR
from safecheck.rulebook.rule import rules_from_yaml
from safecheck.strict import resources
from safecheck.strict.yaml import load

ROOT = Path(__file__).parents[2]
SHIPPED = (
    (ROOT / "rules" / "profiles" / f"{DEFAULT}.yaml")
    .read_text(encoding="utf-8")
    .replace(f"id: {DEFAULT}", "id: mine")
    .replace("title: ", "title: A copy of ")
)
"""A sound profile that is not shipped."""
SOURCE = Citation(**{field.name: "" for field in dataclasses.fields(Citation)})


# --- what is shipped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_profile(name: str) -> None:
    book = profile(name)
    assert book.id == name
    ids = [rule.id for rule in book.rules]
    assert len(set(ids)) == len(ids)
    for rule in book.rules:
        assert rule.sources, rule.id
        assert rule.verdict is Verdict.UNPROVEN or rule.grade is not None, rule.id
        assert rule.why, f"{rule.id}: say what is known"
        assert rule.verdict is Verdict.ALLOWED or rule.advice, f"{rule.id}: say what to do"
        assert bool(rule.layers) != bool(rule.operators), rule.id
    for assumption in book.assumptions:
        assert assumption.sources, assumption.id
    assert len({assumption.id for assumption in book.assumptions}) == len(book.assumptions)
    book.table.check()


def test_the_last_rule_about_every_layer_is_unconditional() -> None:
    everything = [rule for rule in profile(DEFAULT).rules if "*" in rule.layers and rule.verdict is Verdict.UNPROVEN]
    assert [rule.id for rule in everything] == ["layer-not-listed"]
    assert list(resources.yaml_files(resources.rules()))


def lowering(name: str, _: object = None) -> str:
    """The text of a lowering file that another one extends."""
    return (ROOT / "rules" / "lowering" / f"{name}.yaml").read_text(encoding="utf-8")


def test_every_shipped_rule_file_is_used_or_a_profile_or_its_data() -> None:
    bibliography = load((ROOT / "rules" / "sources.yaml").read_text(encoding="utf-8"), "sources.yaml").items()
    sources = dict.fromkeys(bibliography, SOURCE)
    for path, file in resources.yaml_files(resources.rules()):
        text = file.read_text(encoding="utf-8")
        if path.startswith("lowering/"):
            table_from_yaml(text, path, lowering).check()
        elif path.startswith("profiles/"):
            assert profile(path.removeprefix("profiles/").removesuffix(".yaml")).rules
        elif path == "published.yaml":
            assert set(published()) == {"csa-tiny", "swin-tiny", "convnext-tiny", "cvt-13"}
        elif path not in ("sources.yaml", "idioms.yaml") and not path.endswith("remedies.yaml"):
            assert rules_from_yaml(text, path, sources), path


def test_every_remedy_is_a_rewrite_of_fix() -> None:
    from safecheck.usecases.fix import NAMES

    prepared = {"fix-batch", "inline-functions"}
    for name in shipped():
        book = profile(name)
        named = {remedy for rule in (*book.rules, *book.defects) for remedy in rule.remedies}
        taking = {remedy for remedies in book.remedies.values() for remedy in remedies}
        assert (named | taking) - {OF_OPERATOR} - prepared <= set(NAMES)


def test_of_operator_means_what_takes_the_operator_and_nothing_where_no_rewrite_could_end() -> None:
    book = profile(DEFAULT)
    softmax = next(rule for rule in book.rules if rule.id == "softmax")
    assert softmax.remedies == (OF_OPERATOR,)
    assert book.remedies_of(softmax, "Softmax") == ("softmax-to-convolution",)
    assert book.remedies_of(softmax, "Hardmax") == ()
    # NVIDIA has shown nothing for 8.5: a convolution in the place of a softmax would be the next finding
    assert profile("tensorrt-8.5-restricted").remedies_of(softmax, "Softmax") == ()


def test_every_source_is_cited() -> None:
    bibliography = load((ROOT / "rules" / "sources.yaml").read_text(encoding="utf-8"), "sources.yaml").items()
    books = [profile(name) for name in shipped()]
    cited = {source.ref for book in books for claim in (*book.rules, *book.assumptions) for source in claim.sources}
    assert sorted(cited - set(bibliography)) == []


def test_the_hash_of_a_profile_is_stable_and_follows_its_content(tmp_path: Path) -> None:
    assert profile(DEFAULT).sha256 == profile(DEFAULT).sha256
    file = tmp_path / "mine.yaml"
    file.write_text(SHIPPED.replace("extrapolated: true", "extrapolated: false"), encoding="utf-8")
    mine = profile(str(file))
    assert not mine.extrapolated
    assert mine.sha256 != profile(DEFAULT).sha256


# --- what is broken -------------------------------------------------------------------------------------------------

GOOD = """\
about: test
layer: IPoolingLayer
rules:
  - id: pool
    title: Pool
    verdict: forbidden
    grade: documented
    when: {fact: window, at_most: 7}
    sources: [{ref: paper, at: page 1}]
"""


def test_the_good_file_is_good() -> None:
    (rule,) = rules_from_yaml(GOOD, "pool.yaml", {"paper": SOURCE})
    assert rule.id == "pool"


def condition(text: str) -> str:
    return GOOD.replace("{fact: window, at_most: 7}", text)


BROKEN: list[tuple[str, str, str]] = [
    ("empty", "", "pool.yaml: the file is empty"),
    ("only a comment", "# nothing\n", "pool.yaml: the file is empty"),
    ("two documents", GOOD + "---\n" + GOOD, "pool.yaml:10"),
    ("tabs", GOOD.replace("    title", "\ttitle"), "pool.yaml:5"),
    ("cut off", GOOD[: GOOD.index("}]")], "pool.yaml:"),
    ("unknown fact", condition("{fact: kernell, at_most: 7}"), "rules[0].when.fact: no fact 'kernell' (did you mean 'kernel'?)"),
    ("unknown fact, line", condition("{fact: kernell, at_most: 7}"), "pool.yaml:8: "),
    ("doubled key", GOOD.replace("    title", "    id: pond\n    title"), "pool.yaml:5: rules[0].id: key 'id' is already given in line 4"),
    ("doubled key at the top", GOOD + "rules: []\n", "key 'rules' is already given in line 3"),
    ("unknown key", GOOD.replace("title", "titel"), "rules[0].titel: unknown key 'titel' (did you mean 'title'?)"),
    ("unknown key at the top", GOOD + "layers: [IPoolingLayer]\n", "layers: unknown key 'layers' (did you mean 'layer'?)"),
    ("alias", GOOD.replace("title: Pool", "title: &a Pool").replace("when:", "why: *a\n    when:"), "pool.yaml:5: an anchor marks this place for repetition"),
    ("merge key", GOOD.replace("    title", "    <<: {why: x}\n    title"), "tags and merge keys are not accepted"),
    ("local tag", GOOD.replace("Pool\n", "!mine Pool\n"), "pool.yaml:5: tags and merge keys are not accepted"),
    ("python tag", GOOD.replace("Pool\n", "!!python/object/apply:os.system [ls]\n"), "pool.yaml:5"),
    ("binary tag", GOOD.replace("Pool\n", "!!binary aGVsbG8=\n"), "tags and merge keys are not accepted"),
    ("no as a value", GOOD.replace("title: Pool", "title: no"), "rules[0].title: 'no' means different things to different readers"),
    ("YES as a limit", condition("{fact: window, equals: YES}"), "rules[0].when.equals: 'YES' means different things"),
    ("True as a limit", condition("{fact: window, equals: True}"), "rules[0].when.equals: 'True' means different things"),
    ("nothing as a value", GOOD.replace("title: Pool", "title:"), "rules[0].title: '' means different things"),
    ("no as a key", GOOD.replace("    title", "    no: 1\n    title"), "rules[0].no: a key must be plain text"),
    ("a list as a key", GOOD.replace("    title", "    [a]: 1\n    title"), "a key must be plain text"),
    ("a number as a title", GOOD.replace("title: Pool", "title: 7"), "rules[0].title: expected a text"),
    ("missing title", GOOD.replace("    title: Pool\n", ""), "pool.yaml:4: rules[0]: key 'title' is missing; add it"),
    ("missing source", GOOD.replace("    sources: [{ref: paper, at: page 1}]\n", ""), "rules[0]: key 'sources' is missing"),
    ("no source", GOOD.replace("[{ref: paper, at: page 1}]", "[]"), "rules[0].sources: a claim without a source; cite at least one"),
    ("unknown source", GOOD.replace("ref: paper", "ref: papers"), "rules[0].sources[0].ref: 'papers' is not known here (did you mean 'paper'?)"),
    ("missing grade", GOOD.replace("    grade: documented\n", ""), "rules[0]: a rule that says forbidden needs a grade; add grade: one of"),
    ("allowed without a grade", GOOD.replace("    grade: documented\n", "").replace("forbidden", "allowed"), "allowed needs a grade"),
    ("unknown grade", GOOD.replace("documented", "document"), "rules[0].grade: 'document' is not known here (did you mean 'documented'?)"),
    ("unknown verdict", GOOD.replace("forbidden", "denied"), "rules[0].verdict: 'denied' is not known here"),
    ("id with capitals", GOOD.replace("id: pool", "id: Pool"), "rules[0].id: an id is kebab-case"),
    ("speaks of nothing", GOOD.replace("layer: IPoolingLayer\n", ""), "rules[0]: the rule speaks of nothing"),
    ("two operators", condition("{fact: window, at_most: 7, at_least: 2}"), "rules[0].when: a condition needs exactly one operator, found 2"),
    ("no operator", condition("{fact: window}"), "a condition needs exactly one operator, found 0"),
    ("unknown operator", condition("{fact: window, atmost: 7}"), "unknown key 'atmost' (did you mean 'at_most'?)"),
    ("not a condition", condition("{window: 7}"), "rules[0].when: not a condition; start with fact: or one of"),
    ("text as a condition", condition("window <= 7"), "rules[0].when: expected a mapping, found a single value"),
    ("two combinations", condition("{all_of: [], any_of: []}"), "unknown key 'any_of'"),
    ("list operator with one value", condition("{fact: kind, one_of: kMAX}"), "one_of takes a list"),
    ("value operator with a list", condition("{fact: window, at_most: [7, 7]}"), "at_most takes one value"),
    ("multiple of nothing", condition("{fact: window, multiple_of: 0}"), "nothing is a multiple of 0"),
    ("attribute of what", condition("{fact: attribute, equals: 1}"), "rules[0].when: attribute of what?; add of: ATTRIBUTE"),
    ("constant of which input", condition("{fact: constant, equals: true}"), "constant of which inputs?"),
    ("negative input", condition("{fact: constant, of: -1, equals: true}"), "input positions are small numbers from 0"),
    ("of on a plain fact", condition("{fact: window, of: 1, equals: 1}"), "rules[0].when.of: window is about the whole node or layer"),
    ("fact of a fact", condition("{fact: window, less_than_fact: kernell}"), "no fact 'kernell'"),
    ("layer fact in an operator rule", GOOD.replace("    title", "    operators: [MaxPool]\n    title"), "rules[0].when.fact: no fact 'window'"),
    ("release that is a number", GOOD.replace("    when", "    releases: {from: 8.6, to: '8.6'}\n    when"), "rules[0].releases.from: expected a text"),
    ("release that is none", GOOD.replace("    when", "    releases: {from: '8', to: '8.6'}\n    when"), "'8' is not a release"),
    ("extrapolated is text", GOOD.replace("    when", "    extrapolated: maybe\n    when"), "rules[0].extrapolated: expected true or false"),
    ("not a mapping", "- a\n- b\n", "pool.yaml:1: expected a mapping, found a list"),
    ("a text", "hello\n", "pool.yaml:1: expected a mapping, found a single value"),
    ("nested too deep", "about: " + "[" * 40 + "]" * 40 + "\n", "pool.yaml:1: nested deeper than 32 levels"),
    ("alias bomb", "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)), "an anchor marks this place for repetition"),
    ("alias to itself", "a: &a [*a]\n", "an anchor marks this place for repetition"),
    ("over 1 MiB", GOOD + "#" * (1 << 20), "pool.yaml: larger than 1048576 bytes"),
    ("control character", GOOD.replace("Pool\n", "Po\x00ol\n"), "pool.yaml"),
    ("lone surrogate", GOOD.replace("Pool\n", "Po\ud800ol\n"), "pool.yaml"),
    ("escape sequence as a key", GOOD.replace("    title", '    "\\e[31m": 1\n    title'), "unknown key '\\x1b[31m'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_rule_file(text: str, expected: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        rules_from_yaml(text, "pool.yaml", {"paper": SOURCE})
    message = str(caught.value)
    assert expected in message
    assert message.startswith("pool.yaml")
    assert caught.value.todo, "every error says what to do"
    assert message.isprintable(), "one line, nothing active"
    assert len(message) < 1000
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "[" * 100_000 + "]" * 100_000], ids=["[[[", "{{{", "[[]]"]
)
def test_a_hundred_thousand_brackets_do_not_end_the_process(text: str) -> None:
    code = "import sys; from safecheck.strict.yaml import parse; parse(sys.stdin.read(), 'pool.yaml')"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True)
    assert done.returncode == 1
    assert "RuleFileError" in done.stderr


LOWERING = """\
id: t
title: t
release: "8.6"
opset: 17
source: s
types: {FLOAT: kFLOAT}
patterns: {constants: [], broadcast: [], wrap_1d: [], unsqueeze: [], squeeze: [], scalarize: [], cast: [], shape_arithmetic: []}
unsupported: []
operators:
  Relu: {layers: [{layer: IActivationLayer, kind: kRELU, in: [in0], out: [out0]}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("in: [in0]", "in: [data]", "operators.Relu.layers[0].in: no operand 'data'"),
        ("IActivationLayer", "Activation", "operators.Relu.layers[0].layer: 'Activation' is not a layer interface"),
        ("{layer: IActivationLayer, kind: kRELU, in: [in0], out: [out0]}", "constant", "'constant' is not known here (did you mean 'constants'?)"),
        ("layers: [", "forms: [", "forms[0].layer: unknown key 'layer' (did you mean 'layers'?)"),
        ("kind: kRELU", "pattern: cast", "operators.Relu.layers[0]: a step is either a layer or a pattern"),
        ("out: [out0]}", "when: {fact: kernel, equals: 1}}", "layers[0].when.fact: no fact 'kernel'"),
        ("opset: 17", "opset: '17'", "lowering.yaml:4: opset: expected a number"),
        ("constants: [], ", "", "patterns: key 'constants' is missing"),
    ],
)  # fmt: skip
def test_broken_lowering_file(old: str, new: str, expected: str) -> None:
    table_from_yaml(LOWERING, "lowering.yaml").check()
    assert old in LOWERING
    with pytest.raises(RuleFileError) as caught:
        table_from_yaml(LOWERING.replace(old, new), "lowering.yaml").check()
    assert expected in str(caught.value)
    assert str(caught.value).startswith("lowering.yaml:")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text.replace("mistranslations, gap]", "mistranslation, gap]"), "rules[1]: no rule file 'mistranslation.yaml'"),
        (lambda text: text.replace("mistranslations, gap]", "mistranslations, mistranslations, gap]"), "two rules are called"),
        (lambda text: text.replace("onnx-tensorrt-8.6", "onnx-tensorrt-8.7"), "lowering: no rule file"),
        (lambda text: text.replace("allow: [documented", "allow: [rumoured"), "evidence.allow[0]: 'rumoured' is not known here"),
        (lambda text: text.replace('tensorrt: "8.6.11"', "tensorrt: 8.6"), "target.tensorrt: expected a text"),
        (lambda text: text.replace("platform: orin, ", ""), "target: key 'platform' is missing"),
        (lambda text: text.replace("rules: [trt-8/*", "rules: [../../secret"), "'../../secret.yaml' is not the name of a rule file"),
    ],
)  # fmt: skip
def test_broken_profile(change: Callable[[str], str], expected: str, tmp_path: Path) -> None:
    assert change(SHIPPED) != SHIPPED
    file = tmp_path / "mine.yaml"
    file.write_text(change(SHIPPED), encoding="utf-8")
    with pytest.raises(RuleFileError) as caught:
        profile(str(file))
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tensorrt-8.6-restrictd", "no profile 'tensorrt-8.6-restrictd' (did you mean 'tensorrt-8.6-restricted'?)"),
        ("missing.yaml", "missing.yaml: there is no such file"),
        ("../rules/missing", "there is no such file"),
        ("/", "/: not a regular file"),
    ],
)
def test_unknown_profile(name: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        profile(name)
    assert expected in str(caught.value)

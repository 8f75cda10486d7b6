"""Every rule of every shipped profile is shown by a case, and all shipped cases hold, folder by folder."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from case_files import FOLDER

from safecheck.rulebook import cases as rule_cases
from safecheck.rulebook.cases import Case
from safecheck.rulebook.load import profile, shipped
from safecheck.strict.yaml import load
from safecheck.usecases import selftest

PROFILES = [*shipped(), "drive-orin-dla-8.6@8.6.12", "tensorrt-8.6-restricted@8.6.12"]
FOLDERS = load((FOLDER / "profiles.yaml").read_text(encoding="utf-8"), "profiles.yaml").items()

_PLUGIN = (
    "the interface of a plugin is not in a file, and no standard plugin has this one; tested with a made-up plugin"
)
_NAME = "needs a name of a thousand letters; tested with generated models"
_CATCH_ALL = "speaks only of layers that no parser of today adds; tested with a made-up layer"
_NO_LAYER = "the parser adds no such layer, a network built without it can have one"
_OLD = "needs an operator of old exporters, whose results have no known type, so that no model makes it speak"
_RESHAPE = "the parser adds a reshape to every softmax, about which nothing is known, so that no node is allowed"

# Rules that no ONNX text shows.
WITHOUT_CASE = {
    "plugin-dynamic-ext": _PLUGIN,
    "plugin-io-ext": _PLUGIN,
    "io-name-length": _NAME,
    "layer-not-listed": _CATCH_ALL,
    "scope10-assertion": _NO_LAYER,
    "scope10-padding": _NO_LAYER,
    "safe6-fully-connected": _OLD,
    "safe6-softmax": _RESHAPE,
}


@cache
def known() -> tuple[Case, ...]:
    return tuple(rule_cases.cases())


@cache
def named() -> frozenset[str]:
    return frozenset[str]().union(*(case.rules for case in known()))


@pytest.mark.parametrize("name", PROFILES)
def test_every_rule_in_force_is_named_by_a_case(name: str) -> None:
    in_force = {rule.id for rule in profile(name).rules}
    assert sorted(in_force - named() - set(WITHOUT_CASE)) == [], "give each of these rules a case"


def test_cases_name_rules_of_their_own_profile() -> None:
    in_force = {name: {rule.id for rule in profile(name).rules} for name in {case.profile for case in known()}}
    strangers = {str(case): sorted(case.rules - in_force[case.profile]) for case in known()}
    assert {case: rules for case, rules in strangers.items() if rules} == {}


def test_the_table_of_rules_without_a_case_is_true() -> None:
    in_force = {rule.id for name in PROFILES for rule in profile(name).rules}
    assert sorted(set(WITHOUT_CASE) - in_force) == [], "these rules do not exist"
    assert sorted(set(WITHOUT_CASE) & named()) == [], "these rules have cases now"


def test_every_case_folder_has_a_profile() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/*.yaml")}
    assert sorted(folders ^ (set(FOLDERS) - {"here"})) == []


def test_the_names_of_cases_are_unique() -> None:
    counted = Counter(map(str, known()))
    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_cases_of_a_folder_hold(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = rule_cases.cases(folder)
    assert chosen
    monkeypatch.setattr(selftest, "cases", lambda: chosen)
    outcomes = list(selftest.run())
    assert len(outcomes) == len(chosen)
    assert [f"{outcome.case}: {outcome.problem}" for outcome in outcomes if outcome.problem] == []

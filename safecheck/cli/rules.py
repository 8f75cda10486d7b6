"""The commands `safecheck rules ...`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from safecheck.cli.configured import chosen_profile
from safecheck.cli.group import Group
from safecheck.cli.options import PROFILE, profile_option
from safecheck.cli.output import emit, note, say, write_new
from safecheck.errors import UsageError
from safecheck.finding import Grade, Verdict
from safecheck.render import RENDERERS
from safecheck.render.output import Target
from safecheck.rulebook.cases import cases, examples
from safecheck.rulebook.facts import documentation
from safecheck.rulebook.index import Entry, catalog, known_operators, layers_of, speaks_of, stance, summary
from safecheck.rulebook.lint import problems
from safecheck.rulebook.load import profile, shipped
from safecheck.rulebook.overlay import TEMPLATE
from safecheck.rulebook.profile import Profile
from safecheck.rulebook.search import find
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.audit import compare_profiles


@click.group(cls=Group)
def rules() -> None:
    """Look at the rules, compare targets, and write rules of your own."""


@rules.command("list")
@click.option(
    "--profile",
    "names",
    metavar="ID|FILE",
    type=PROFILE,
    multiple=True,
    help="Profiles to list; all shipped ones by default.",
)
@click.option("--layer", metavar="TYPE", help="Only rules about this layer type, e.g. IPoolingLayer.")
@click.option("--op", "operator", metavar="NAME", help="Only rules about this ONNX operator or the layers it becomes.")
@click.option("--grade", type=click.Choice([str(grade) for grade in Grade]), help="Only rules of this grade.")
@click.option(
    "--verdict", type=click.Choice([str(verdict) for verdict in Verdict]), help="Only rules with this verdict."
)
@click.option("--summary", "summarize", is_flag=True, help="Count rules by profile, verdict and grade instead.")
@click.option(
    "--output", "output", type=click.Choice(list(RENDERERS["rules"])), default="text", show_default=True, help="Format."
)
def list_rules(
    names: tuple[str, ...], layer: str | None, operator: str | None, grade: str | None, verdict: str | None,
    summarize: bool, output: str,
) -> int:  # fmt: skip
    """List the rules in force."""
    profiles = [profile(name) for name in names or shipped()]
    target = Target(output, None)
    if summarize:
        emit(target, "rule_counts", {part.id: summary(part) for part in profiles})
        return 0
    _refuse_unknown("--layer", layer, {type_ for part in profiles for rule in part.rules for type_ in rule.layers})
    _refuse_unknown("--op", operator, {name for part in profiles for name in known_operators(part)})
    made = frozenset[str]().union(*(layers_of(part, operator) for part in profiles)) if operator else frozenset[str]()
    found = [
        entry
        for entry in catalog(profiles).values()
        if speaks_of(entry.rule, layer, operator, made)
        and (grade is None or entry.rule.grade == grade)
        and (verdict is None or entry.rule.verdict == verdict)
    ]
    emit(target, "rules", found)
    if output == "text":
        note(f"{len(found)} rules")
    return 0


def _refuse_unknown(option: str, name: str | None, known: set[str]) -> None:
    if name is not None and name not in known:
        what = f"no rule speaks of '{printable(name, 80)}'{suggest(name, known)}"
        raise UsageError("SC-CFG-RULE", option, what, "correct the name")


@rules.command("show")
@click.argument("rule_id", metavar="ID|MESSAGE")
@click.option(
    "--profile",
    "names",
    metavar="ID|FILE",
    type=PROFILE,
    multiple=True,
    help="Where to look; all shipped profiles by default.",
)
def show_rule(rule_id: str, names: tuple[str, ...]) -> int:
    """Explain a rule: what it says, exactly when, by whose word, and the way out.

    A sentence out of a log of the vendor's software finds the rules that are about it: the best is explained.
    """
    profiles = [profile(name) for name in names or shipped()]
    entries = catalog(profiles, defects=True)
    if rule_id not in entries and " " in rule_id.strip():
        rule_id = _meant(rule_id, catalog(profiles), profiles)
    if rule_id not in entries:
        what = f"no rule '{printable(rule_id, 80)}'{suggest(rule_id, entries)}"
        raise UsageError("SC-CFG-RULE", "rules show", what, "see `safecheck rules list`")
    entry = entries[rule_id]
    found = examples(rule_id, entry.rule.verdict is Verdict.ALLOWED, cases())
    emit(Target("text", None), "rule", (entry, found))
    return 0


def _meant(message: str, entries: Mapping[str, Entry], profiles: list[Profile]) -> str:
    """The rule that a message is about; the others, and what in a parser is meant, go to standard error."""
    found = find(message, entries.values(), profiles)
    if not found:
        raise UsageError("SC-CFG-RULE", "rules explain", "no rule speaks of that message", "see `safecheck rules list`")
    if found[0].refusal:
        note(f"the parser: {found[0].refusal}")
    if len(found) > 1:
        note(f"also: {', '.join(other.entry.rule.id for other in found[1:])}")
    return found[0].entry.rule.id


rules.add_command(click.Command("explain", params=show_rule.params, callback=show_rule.callback, help=show_rule.help))


@rules.command("facts")
def list_facts() -> int:
    """List the facts that a condition can ask for."""
    for name, text in sorted(documentation().items()):
        say(f"{name:<32}{text}")
    return 0


@rules.command("diff")
@click.argument("old", metavar="PROFILE_A")
@click.argument("new", metavar="PROFILE_B")
@click.option("--model", "model", metavar="FILE", help="Also say what changes for this model, node by node.")
def diff_profiles(old: str, new: str, model: str | None) -> int:
    """Say what changes between two targets."""
    before, after = profile(old), profile(new)
    say(f"{before.id} -> {after.id}")
    types = sorted({type_ for part in (before, after) for rule in part.rules for type_ in rule.layers} - {"*"})
    for type_ in types:
        one, other = stance(before, type_), stance(after, type_)
        if one != other:
            say(f"  {type_}: {one} -> {other}")
    if model is None:
        return 0
    say(f"\n{printable(model)}")
    for line in compare_profiles(model, before, after):
        say(f"  {line}")
    return 0


@rules.command("lint")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def lint_files(files: tuple[str, ...]) -> int:
    """Check profile and overlay files; every problem on one line with its place."""
    found = 0
    for file in files:
        for problem in problems(file):
            found += 1
            note(f"error[{problem.code}]: {problem}")
    note(f"{found} problems in {len(files)} files" if found else f"{len(files)} files are fine")
    return 2 if found else 0


@rules.command("init")
@click.option("--output", "-o", "path", metavar="FILE", help="Where to write it; standard output by default.")
@profile_option
def init_overlay(path: str | None, profile_name: str | None) -> int:
    """Write a commented overlay to fill in with evidence of your own."""
    text = TEMPLATE.replace("@BASE@", profile(chosen_profile(profile_name)).id)
    write_new(path, text)
    return 0

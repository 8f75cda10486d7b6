"""The stages in their order: what the command line and other programs call."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from io import FileIO
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from safecheck.audit.audit import audit
from safecheck.audit.report import Report
from safecheck.cost.traffic import CACHE
from safecheck.errors import InputError
from safecheck.finding import Verdict
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.values import replace

if TYPE_CHECKING:  # an audit does not pay for a comparison, which plans rewrites
    from safecheck.cost.measured import Measurement
    from safecheck.usecases.compare import Compared, Contrast


class Extras(NamedTuple):
    """What a report is to know besides the judgement; each of them plans rewrites, which an audit does not pay for."""

    pictures: bool = False
    """Pictures of places, and what could stand there instead."""
    plan: bool = False
    """What `fix` would make of the model."""


NO_EXTRAS = Extras()


def audit_models(paths: Iterable[str], book: Profile, extras: Extras = NO_EXTRAS) -> Iterator[Report]:
    """One report per model, in order. A model that cannot be read gives a report that says so."""
    for path in paths:
        yield _audited(path, book, extras)


def _audited(path: str, book: Profile, extras: Extras) -> Report:
    if "://" in path:
        from safecheck.usecases.elsewhere import at_hand  # models that are here do not pay for others

        return at_hand(path, lambda local: _here(local, book, extras))
    return _here(path, book, extras)


def _here(path: str, book: Profile, extras: Extras) -> Report:
    report = audit_model(path, book)
    if extras.pictures:
        from safecheck.usecases.suggestions import illustrated

        report = illustrated(report)
    if extras.plan:
        from safecheck.usecases.planned import with_plan

        report = with_plan(report)
    return report


def audit_all(tasks: Sequence[tuple[str, str]], jobs: int = 1, extras: Extras = NO_EXTRAS) -> Iterator[Report]:
    """One report per (path, profile), in order, worked on by so many processes. Standard input stays in this one.

    A model that ends its process twice, or that safecheck fails about, is an error, never a pass; of several models
    the others are audited.
    """
    audited = partial(_audited, extras=extras)
    rest = [task for task in tasks if task[0] != "-"]
    workers = min(jobs, len(rest))
    if len(tasks) > 1:
        from safecheck.usecases.several import contained, reports  # one model is audited without it
    others = reports(rest, workers, audited) if workers > 1 else None
    books = {name: profile(name) for name in dict.fromkeys(name for _, name in tasks)}
    for path, name in tasks:
        if others is not None and path != "-":
            yield next(others)
        elif len(tasks) == 1:
            yield audited(path, books[name])
        else:
            yield contained(path, books[name], partial(audited, path, books[name]))


def audit_cases(book: Profile) -> Iterator[Report]:
    """One report for every rule case of the shipped profile that `book` is or extends."""
    from tempfile import TemporaryDirectory

    from safecheck.rulebook.cases import cases

    with TemporaryDirectory(prefix="safecheck-") as folder:
        path = os.path.join(folder, "case.onnx")
        for case in cases():
            if case.profile.partition("@")[0] == book.base:
                with open(path, "wb") as file:
                    file.write(case.proto().SerializeToString())
                yield audit_model(path, book)


def audit_model(path: str, book: Profile) -> Report:
    """Read, lower and judge one model."""
    try:
        return judged(path, book)
    except InputError as error:
        return Report(path, book, None, None, error)


def judged(source: str | InMemory, book: Profile) -> Report:
    """Read, lower and judge one model.

    Raises:
        InputError: the model cannot be read.
    """
    model = load(source)
    return Report(model.path, book, model, audit(model, book), None)


def confirm_report(report: Report, stdin: FileIO | None = None, *, layers: bool = False) -> Report:
    """The report with the answer of the vendor's scope check; what could not be audited is not asked about.

    `stdin` holds the model that was audited as `-`; `layers` keeps the layers that the vendor's parser made.
    """
    from safecheck.nvidia.scope_check.confirm import confirm

    if report.model is None or report.audit is None:
        return report
    return replace(report, confirmation=confirm(report.model, report.audit, stdin, layers=layers))


def compare_models(
    paths: Sequence[str],
    profiles: Sequence[str],
    named: Mapping[str, str],
    measurements: Sequence[Measurement],
    jobs: int | None = None,
    cache: int = CACHE,
    claimed: Collection[str] = (),
    watch: Callable[[Iterable[Compared]], Iterable[Compared]] = iter,
) -> Contrast:
    """Several models under several profiles, side by side; models are worked on in processes of their own.

    `named` says for paths which published network they are, `claimed` are published networks that every model of their
    structure is. `cache` is what the target holds on chip, in bytes; `watch` sees each column as it comes, and hands it
    on.
    """
    from safecheck.cost.measured import refuse_ambiguous
    from safecheck.usecases.compare import Contrast, labels

    refuse_ambiguous(measurements, paths)
    tasks = [
        (path, name, tuple(profiles), named.get(path), tuple(measurements), cache, tuple(claimed))
        for path, name in zip(paths, labels(paths), strict=True)
    ]
    workers = min(jobs or os.cpu_count() or 1, len(tasks))
    if workers > 1:
        from safecheck.machine.pool import local

        with local(workers, 1, lambda: None).start() as executor:
            columns = list(watch(executor.map(_column, tasks)))
    else:
        columns = list(watch(map(_column, tasks)))
    unused = set(measurements).difference(*(column.measured for column in columns))
    return Contrast(tuple(profile(name) for name in profiles), tuple(columns), cache, len(unused))


_Column: TypeAlias = "tuple[str, str, tuple[str, ...], str | None, tuple[Measurement, ...], int, tuple[str, ...]]"


def _column(task: _Column) -> Compared:
    """One model, in a process of its own: planning its rewriting runs parts of it in native code."""
    from safecheck.usecases.compare import unreadable
    from safecheck.usecases.limits import budget, within

    path, name, profiles, *_ = task
    try:
        most = budget("comparing it", "nothing is known of it")
        found: Compared = within(most, path, None, "safecheck.usecases.audit:column", task)
    except InputError as error:
        found = unreadable(path, name, [profile(profile_name) for profile_name in profiles], error)
    return found


def column(task: _Column) -> Compared:
    """The same, carried out here."""
    from safecheck.usecases.compare import contrast_one

    path, name, profiles, named, measurements, cache, claimed = task
    books = [profile(profile_name) for profile_name in profiles]
    return contrast_one(path, name, books, named, measurements, cache, claimed)


def compare_profiles(path: str, before: Profile, after: Profile) -> list[str]:
    """What a change of target changes for one model, as lines: verdicts first, then operators whose verdict changes.

    Raises:
        InputError: the model cannot be read.
    """
    model = load(path)
    old, new = audit(model, before), audit(model, after)
    lines = [f"verdict: {old.verdict} -> {new.verdict}"]
    lines += [f"{verdict}: {old.count(verdict)} -> {new.count(verdict)}" for verdict in Verdict]
    reasons: dict[tuple[str, int | None], list[str]] = {}
    for result in (old, new):
        for finding in result.findings:
            reasons.setdefault((finding.location.scope, finding.location.index), []).append(finding.rule)
    groups: Counter[tuple[str, str, str, str]] = Counter()
    for one, other in zip(old.nodes, new.nodes, strict=True):
        if one.verdict is not other.verdict:
            rules = ", ".join(dict.fromkeys(reasons.get((one.location.scope, one.location.index), [])))
            groups[printable(one.location.op_type, 60), str(one.verdict), str(other.verdict), rules] += 1
    lines += [
        f"{count} x {operator}: {one} -> {other}  ({rules})"
        for (operator, one, other, rules), count in groups.most_common()
    ]
    return lines

"""The stages in their order: what the command line and other programs call."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import FileIO
from typing import TYPE_CHECKING, NamedTuple

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
        report = audit_model(path, book)
        if extras.pictures:
            from safecheck.usecases.suggestions import illustrated

            report = illustrated(report)
        if extras.plan:
            from safecheck.usecases.planned import with_plan

            report = with_plan(report)
        yield report


def audit_all(tasks: Sequence[tuple[str, str]], jobs: int = 1, extras: Extras = NO_EXTRAS) -> Iterator[Report]:
    """One report per (path, profile), in order, worked on by so many processes. Standard input stays in this one.

    A process that dies takes the verdicts it had not delivered with it: these are errors, never passes.
    """
    workers = min(jobs, sum(path != "-" for path, _ in tasks))
    if workers < 2:
        books = {name: profile(name) for name in dict.fromkeys(name for _, name in tasks)}
        for path, name in tasks:
            yield from audit_models([path], books[name], extras)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(workers) as executor:
        pending = [None if path == "-" else executor.submit(_audit_task, path, name, extras) for path, name in tasks]
        try:
            for (path, name), future in zip(tasks, pending, strict=True):
                try:
                    yield next(audit_models([path], profile(name), extras)) if future is None else future.result()
                except BrokenProcessPool:
                    what = "the process that audited it, or one beside it, died"
                    error = InputError("SC-ENV-WORKER", printable(path), what, "run again with --jobs 1")
                    yield Report(path, profile(name), None, None, error)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _audit_task(path: str, name: str, extras: Extras) -> Report:
    return next(audit_models([path], _book(name), extras))


@cache
def _book(name: str) -> Profile:
    """The profile, read once by each process of a pool; this process outlives a change of the file."""
    return profile(name)


def audit_cases(book: Profile) -> Iterator[Report]:
    """One report for every rule case of the shipped profile that `book` is or extends."""
    from tempfile import TemporaryDirectory

    from safecheck.rulebook.cases import cases

    base = (book.id, *book.extends)[-1]
    with TemporaryDirectory(prefix="safecheck-") as folder:
        path = os.path.join(folder, "case.onnx")
        for case in cases():
            if case.profile.partition("@")[0] == base:
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
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(workers) as executor:
            columns = list(watch(executor.map(_column, tasks)))
    else:
        columns = list(watch(map(_column, tasks)))
    unused = set(measurements).difference(*(column.measured for column in columns))
    return Contrast(tuple(profile(name) for name in profiles), tuple(columns), cache, len(unused))


def _column(
    task: tuple[str, str, tuple[str, ...], str | None, tuple[Measurement, ...], int, tuple[str, ...]],
) -> Compared:
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

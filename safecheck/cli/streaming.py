"""A run that judges each model by itself: results are written down as they come, and shown in the order of the models.

None of them is held in memory, and none is lost if the run is interrupted: `safecheck.workflow.journal`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from safecheck.cli.bar import Bar
from safecheck.cli.configured import keep_inside
from safecheck.cli.output import FOR_PEOPLE, emit, note, show, wrote
from safecheck.errors import UsageError, worst
from safecheck.limits import raised
from safecheck.render.kept.jsonl import line_of
from safecheck.render.kept.outcome import Outcome, Run, from_json
from safecheck.render.output import Target, journals_of, refuse_clashes
from safecheck.text import printable
from safecheck.workflow.cache.store import text_of
from safecheck.workflow.cache.verdicts import CACHE, Pack, Verdicts, rules_of
from safecheck.workflow.journal import Journal

if TYPE_CHECKING:
    from safecheck.cli.auditing import Request, Task
    from safecheck.cli.errand import Done, Numbered


_PACKED = range(16, 4097)
"""Models of a run whose verdicts are kept in one as well: fewer are read one by one, more do not fit into memory."""


def streamed(
    request: Request, targets: Sequence[Target], formats: Collection[str], verdicts: Verdicts | None
) -> tuple[int, dict[str, str]]:
    """Audit, show, and give the exit code, and the SHA-256 of every file that the verdicts are about.

    Raises:
        UsageError: there is nothing to resume from.
    """
    places = journals_of(targets)
    if request.resume and not places:
        what = "nothing says where the results of the interrupted run are"
        raise UsageError("SC-CFG-RESUME", "--resume", what, "add --output jsonl=FILE as that run had it")
    with Journal(places[0].path if places else None, request.resume) as journal:
        bar = Bar(len(request.models), request.quiet)
        at_once = Target("jsonl", None) in targets
        front = _Front(request.models, journal, bar, at_once, request.code_of)
        try:
            with bar:
                _fill(request, formats, journal, verdicts, front)
        except (KeyboardInterrupt, SystemExit, OSError) as error:  # OSError: the disk is full
            if journal.path is not None:
                kept = f"{len(journal)} of {len(request.models)} results are kept in {printable(journal.path)}"
                note(f"interrupted: {kept}; the same command with --resume goes on from there")
            elif not isinstance(error, OSError):
                note("interrupted; no file was written, what was there is as it was")
            raise
        refuse_clashes((*targets, *places), front.hashes)
        run = Run(_InOrder(journal), request.quiet)
        for target in targets:
            said = target.path is None and target.format in FOR_PEOPLE and not front.is_found
            if said or target == Target("jsonl", None):
                continue  # it is there already, or standard error has said it in a line for each
            emit(target, "kept", run)
        if not request.quiet:
            wrote(targets, front.verdicts)
    return worst(front.codes), front.hashes


@dataclass(frozen=True, slots=True)
class _InOrder(Collection[Outcome]):
    """The outcomes in the order of the models, each read when it is asked for."""

    journal: Journal

    def __iter__(self) -> Iterator[Outcome]:
        return (_outcome(self.journal, number) for number in range(len(self.journal)))

    def __len__(self) -> int:
        return len(self.journal)

    def __contains__(self, outcome: object) -> bool:
        return any(outcome == one for one in self)


def _outcome(journal: Journal, number: int) -> Outcome:
    found = from_json(journal[number]["outcome"])
    assert found is not None, "it was written by this run, or looked at when it was taken over"
    return found


@dataclass
class _Front:
    """How far the results are there without a gap: so far they can be shown."""

    models: Sequence[Task]
    journal: Journal
    bar: Bar
    is_shown: bool
    """Whether each result goes to standard output at once."""
    code_of: Callable[[Outcome], int]
    """What a result does to the exit code."""
    complaints: dict[int, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    codes: set[int] = field(default_factory=set)
    is_found: bool = False
    """Whether there was a file for any path."""
    verdicts: Counter[str] = field(default_factory=Counter)
    _due: int = 0

    def advance(self) -> None:
        """One more result is in the journal: show what is due."""
        while self._due in self.journal:
            outcome = _outcome(self.journal, self._due)
            self.codes.add(self.code_of(outcome))
            self.is_found |= not outcome.is_missing
            self.verdicts[outcome.verdict] += 1
            self.hashes |= outcome.hashes(self.models[self._due][0])
            complaint = self.complaints.pop(self._due, "")
            if complaint or self.is_shown:
                self.bar.clear()
            if complaint:
                note(complaint)
            if self.is_shown:
                show(line_of(outcome))
            self._due += 1


def _fill(
    request: Request, formats: Collection[str], journal: Journal, verdicts: Verdicts | None, front: _Front
) -> None:
    """Put the outcome of every model into the journal: what earlier runs have kept, then what has to be worked out."""
    is_kept = request.cache and request.checks.lasts
    is_packed = is_kept and verdicts is not None and formats == {"text"} and len(request.models) in _PACKED
    pack = Pack(verdicts, request.models) if is_packed and verdicts is not None else None
    sources = [
        *([journal.get] if journal.path is not None else []),
        *([pack.get] if pack is not None else []),
        *([CACHE] if is_kept else []),
    ]
    used = verdicts if sources else None
    earlier = 0

    def missing() -> Iterator[Numbered]:
        nonlocal earlier
        for number, task in enumerate(request.models):
            key, entry = used.entry(*task, sources) if used is not None else (None, None)
            outcome = None if entry is None else from_json(entry["outcome"])
            if entry is None or outcome is None:
                yield number, task
            else:
                earlier += 1
                journal.put(number, key, text_of(entry))
                front.advance()
                if pack is not None:
                    pack.add(key, entry)

    for (number, task), done in _worked_out(request, formats, missing()):
        key = used.key(*task, done.identity) if used is not None and done.identity else None
        journal.put(number, key, done.record)
        if used is not None and is_kept and done.lasts:
            used.keep(key, done.record)
        front.complaints[number] = done.complaint
        front.bar.step(len(journal))
        front.advance()
    if pack is not None and earlier == len(request.models):
        pack.keep()
    if request.verbose:
        note(f"{earlier} of {len(request.models)} verdicts are from earlier runs")


def _worked_out(
    request: Request, formats: Collection[str], missing: Iterator[Numbered]
) -> Iterator[tuple[Numbered, Done]]:
    """What is sent about each model that no earlier run has judged, as it comes."""
    first = next(missing, None)
    if first is None:
        return
    from safecheck.cli.errand import Away, Errand, run_errand, told
    from safecheck.intake.remote import shown
    from safecheck.machine.pool import each
    from safecheck.rulebook.load import profile
    from safecheck.usecases.batch import require_vendor
    from safecheck.usecases.several import died, engine, learn
    from safecheck.workflow.cache.identity import installation

    names = dict.fromkeys(name for _, name in request.models)
    for name in names:
        keep_inside(request.settings, name)
    books = {name: profile(name) for name in names}
    require_vendor(request.checks.scope_check, books.values())
    learn(books)
    errand = Errand(
        formats=tuple(sorted(formats)),
        scope_check=request.checks.scope_check,
        rules={name: rules_of(known.files) for name, known in books.items()},
        books={name: known.sha256 for name, known in books.items()},
        limits=raised(),
        away=Away(os.getcwd(), installation()) if request.cluster else None,
    )
    tasks = chain([first], missing)
    here: list[Numbered] = []

    def lost(task: Numbered, _: Exception) -> Done:
        return told(errand, task, died(shown(task[1][0]), books[task[1][1]]), {})

    jobs = min(request.jobs, len(request.models))
    if request.cluster or jobs > 1:
        with engine(jobs, len(request.models), books, request.cluster) as processes:
            there = _without_standard_input(tasks, here)
            with closing(each(partial(run_errand, errand), there, processes, lost)) as found:
                yield from found
    for task in here if request.cluster or jobs > 1 else tasks:
        try:
            done = run_errand(replace(errand, away=None), task)
        except MemoryError as error:
            done = lost(task, error)
        yield task, done


def _without_standard_input(tasks: Iterable[Numbered], here: list[Numbered]) -> Iterator[Numbered]:
    """The models that any process can read; the others are put aside."""
    for task in tasks:
        if task[1][0] == "-":
            here.append(task)
        else:
            yield task

"""The probe from its questions to the overlay."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from safecheck.audit.audit import Audit
from safecheck.errors import UsageError
from safecheck.finding import Grade, Verdict
from safecheck.nvidia.backends.backend import Backend, Told
from safecheck.nvidia.probe.live import prove, refuse_other_releases, require_known
from safecheck.nvidia.probe.questions import Question, Unasked, questions
from safecheck.rulebook.profile import Profile


@dataclass(frozen=True, slots=True)
class Probed:
    """Everything that was asked, and by whom it was answered."""

    answers: tuple[tuple[Question, Told], ...]
    about: str
    log_sha256: str
    """Over the log of every answer, the known networks first."""
    log: bytes

    def count(self, verdict: Verdict) -> int:
        """Number of answers with this verdict."""
        return sum(told.verdict is verdict for _, told in self.answers)


def collect(audits: Iterable[Audit], book: Profile) -> tuple[list[Question], list[Unasked]]:
    """Every form once, over all models: those that can be asked about, and the others."""
    asked: dict[str, Question] = {}
    unasked: dict[tuple[str, str], Unasked] = {}
    for found in (question for audit in audits for question in questions(audit, book)):
        if isinstance(found, Question):
            asked.setdefault(found.id, found)
        else:
            unasked.setdefault((found.title, found.reason), found)
    return list(asked.values()), list(unasked.values())


def require_measured(book: Profile) -> None:
    """Refuse a profile for which no measurement counts.

    Raises:
        UsageError: its evidence does not allow the grade `measured`.
    """
    if Grade.MEASURED not in book.grades:
        what = f"{book.id} does not accept measured evidence"
        raise UsageError("SC-CFG-PROBE", "--profile", what, "probe a profile whose evidence allows it")


def probe(asked: Iterable[Question], book: Profile, backend: Backend, folder: str) -> Probed:
    """Prove that the check is live, then ask; the networks are written to `folder`.

    Raises:
        InputError: the check is not live.
        UsageError: another release answers than the profile is for, or nothing is known that it must refuse.
    """
    require_known(book)
    logs = [told.log for _, told in prove(backend, book, folder)]
    refuse_other_releases(book, backend.release)
    answers = tuple(_answers(asked, book, backend, folder))
    logs += [told.log for _, told in answers]
    log = b"".join(logs)
    return Probed(answers, backend.about(), hashlib.sha256(log).hexdigest(), log)


def _answers(
    asked: Iterable[Question], book: Profile, backend: Backend, folder: str
) -> Iterator[tuple[Question, Told]]:
    for question in asked:
        path = os.path.join(folder, f"{question.id}.onnx")
        with open(path, "wb") as file:
            file.write(question.model.SerializeToString())
        yield question, backend.ask(path, book)

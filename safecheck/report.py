"""The report: everything a reader needs about one model, nothing rendered yet."""

from __future__ import annotations

import os
from dataclasses import dataclass

from safecheck.audit import Audit
from safecheck.bench.traffic import Cost, cost_of
from safecheck.errors import SafecheckError
from safecheck.escape import printable
from safecheck.finding import ModelVerdict
from safecheck.model import Model
from safecheck.rulebook.profile import Profile

_EXIT_CODES = {ModelVerdict.COMPLIANT: 0, ModelVerdict.NON_COMPLIANT: 1, ModelVerdict.INCONCLUSIVE: 3}
_WORST_FIRST = (4, 2, 1, 3, 0)


@dataclass(frozen=True, slots=True)
class Report:
    """One audited model, or why it could not be audited."""

    path: str
    """As given on the command line."""
    profile: Profile
    model: Model | None
    audit: Audit | None
    error: SafecheckError | None
    """Why nothing was judged; None if everything was."""

    @property
    def verdict(self) -> ModelVerdict:
        """The verdict on the model; what could not be read is inconclusive."""
        return ModelVerdict.INCONCLUSIVE if self.audit is None else self.audit.verdict

    @property
    def cost(self) -> Cost | None:
        """Parameters, operations and memory traffic, computed when asked; None if nothing could be read."""
        if self.model is None or self.audit is None:
            return None
        return cost_of(self.model, self.audit.formed, self.audit.products)

    @property
    def weight_files(self) -> list[str]:
        """Paths of the external data that the model was read with."""
        folder = os.path.dirname(self.path)
        return [os.path.join(folder, file.path) for file in self.model.external_data] if self.model is not None else []

    @property
    def exit_code(self) -> int:
        """0 compliant, 1 non-compliant, 3 inconclusive or unreadable, 4 a bug."""
        return self.error.exit_code if self.error is not None else _EXIT_CODES[self.verdict]


def relative(text: str, path: str) -> str:
    """A message about a model without the absolute path of its folder, which does not belong into a report."""
    folder = os.path.join(printable(os.path.dirname(path)), "") if os.path.isabs(path) else ""
    return text.replace(folder, "") if folder else text


def worst(codes: list[int]) -> int:
    """The exit code of several reports: 4, then 2, 1, 3, 0. Nothing checked is inconclusive."""
    return next((code for code in _WORST_FIRST if code in codes), 3)

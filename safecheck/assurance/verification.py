"""The answer to `does this report say what an audit says here?`."""

from __future__ import annotations

from dataclasses import dataclass

from safecheck.assurance.differences import Difference


@dataclass(frozen=True, slots=True)
class Verification:
    """A report held against its repetition."""

    report: str
    """The file, as given."""
    report_sha256: str
    model: str
    """The file, as given."""
    verdict: str
    """As recorded."""
    differences: tuple[Difference, ...]
    unrepeated: tuple[str, ...] = ()
    """What the report says that could not be asked again here, and why; one line each."""

    @property
    def exit_code(self) -> int:
        """0 identical, 1 something differs, 3 something could not be asked again."""
        return 1 if self.differences else 3 if self.unrepeated else 0

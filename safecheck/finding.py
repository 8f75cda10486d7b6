"""What an audit says: verdicts, grades, evidence, findings. Values only; nothing here decides."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from safecheck.values import dataclass

Scalar: TypeAlias = bool | int | float | str
"""What a fact, a limit in a rule file and an element of a small constant can be."""


class Verdict(StrEnum):
    """The verdict on a layer or a node. Anything that is not on the allowlist is not allowed."""

    ALLOWED = "allowed"
    UNPROVEN = "unproven"
    FORBIDDEN = "forbidden"

    severity: int
    """0 for allowed, 1 for unproven, 2 for forbidden: the worst of several is the largest."""


# No table by verdict: an enumeration computes its hash in Python, for every layer of every node.
Verdict.ALLOWED.severity, Verdict.UNPROVEN.severity, Verdict.FORBIDDEN.severity = 0, 1, 2


class ModelVerdict(StrEnum):
    """The verdict on a whole model."""

    COMPLIANT = "compliant"
    COMPLIANT_WITH_DEVIATIONS = "compliant-with-deviations"
    NON_COMPLIANT = "non-compliant"
    INCONCLUSIVE = "inconclusive"

    @property
    def symbol(self) -> str:
        """A verdict is told by more than its colour."""
        return {ModelVerdict.NON_COMPLIANT: "✘", ModelVerdict.INCONCLUSIVE: "?"}.get(self, "✔")


class Grade(StrEnum):
    """Why a rule says what it says, strongest first."""

    DOCUMENTED = "documented"
    """The vendor says it: documentation, header, source comment, library message."""
    MEASURED = "measured"
    """A builder run by us or by the user says it."""
    INFERRED = "inferred"
    """It follows from a vendor artefact, but nobody states it."""
    SECONDARY = "secondary"
    """A third party transcribing the vendor."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a claim comes from."""

    ref: str
    """Key in `rules/sources.yaml`."""
    at: str
    """Where inside the source."""
    url: str
    """Address, empty where the source has no stable one."""
    title: str
    """What the source is."""
    kind: str
    """Who speaks: `vendor library`, `measurement`, `licensed-document`, ..."""
    read: str
    """How far it was read."""
    sha256: str = ""
    """Of the file that was read or asked, where it is one file and its hash was kept; else empty."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact held against one limit."""

    fact: str
    actual: str
    limit: str


EXPORTER_FORM = "exporter form"
"""The fact of an Evidence that says which exporter's spelling causes a finding; its limit says what others write."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a finding is. Node names are optional in ONNX; `outputs` always identify the node inside its scope."""

    scope: str
    """Empty for the main graph, else the path through nested graphs or `function:<domain>:<name>`."""
    index: int | None
    """Position in the node list of the scope; None for a finding about the model itself."""
    node: str
    op_type: str
    domain: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule against one node. A node that breaks several rules has several findings."""

    rule: str
    verdict: Verdict
    grade: Grade | None
    """None where nobody has shown anything either way."""
    message: str
    why: str
    """What is known, in words."""
    advice: str
    """The way out, for a person."""
    location: Location
    layers: tuple[str, ...]
    """The lowered layers the rule speaks of, as `IReduceLayer:kAVG`."""
    evidence: tuple[Evidence, ...]
    sources: tuple[Citation, ...]
    remedies: tuple[str, ...]
    """Names of rewrites that remove the finding."""
    fingerprint: str

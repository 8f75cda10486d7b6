"""The report: everything a reader needs about one model, nothing rendered yet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container
from functools import cached_property

from safecheck.audit.audit import Audit
from safecheck.audit.decisions import NONE, Decisions, Release
from safecheck.audit.evidence import BuildEvidence, Confirmation, Misreading, Refusal
from safecheck.audit.illustration import Illustration
from safecheck.audit.plan import Plan
from safecheck.audit.sign_off import BLANK, SignOff
from safecheck.cost.traffic import Cost, cost_of
from safecheck.errors import SafecheckError
from safecheck.errors import worst as worst
from safecheck.finding import Finding, ModelVerdict, Verdict
from safecheck.ir.model import Model
from safecheck.rulebook.profile import Profile
from safecheck.text import printable
from safecheck.values import dataclass

_EXIT_CODES = {
    ModelVerdict.COMPLIANT: 0,
    ModelVerdict.COMPLIANT_WITH_DEVIATIONS: 0,
    ModelVerdict.NON_COMPLIANT: 1,
    ModelVerdict.INCONCLUSIVE: 3,
}


@dataclass(frozen=True)
class Report:
    """One audited model, or why it could not be audited."""

    path: str
    """As given on the command line."""
    profile: Profile
    model: Model | None
    audit: Audit | None
    error: SafecheckError | None
    """Why nothing was judged; None if everything was."""
    decisions: Decisions = NONE
    """Deviations and baseline, held against the findings."""
    confirmation: Confirmation | None = None
    """What the vendor's scope check said; None if nobody asked it."""
    build: BuildEvidence | None = None
    """Evidence of an engine build; None if there is none."""
    illustration: Illustration | None = None
    """Its pictures; None if nobody asked for them."""
    plan: Plan | None = None
    """What `fix` would make of it; None if nobody asked."""
    release: Release | None = None
    """What stands against a release; None if none was asked for."""
    sign_off: SignOff = BLANK
    """What the page that is signed says of itself."""

    @cached_property
    def verdict(self) -> ModelVerdict:
        """The verdict on the model, with everything that was asked; a build can only make it worse."""
        own = self._without_build
        return own if own is ModelVerdict.NON_COMPLIANT else self._objection or own

    @property
    def _objection(self) -> ModelVerdict | None:
        """What the builder makes of the verdict; None if nobody asked it, or it built."""
        if self.build is None or not self.build.backend:
            return None
        if self.build.refused:
            return ModelVerdict.NON_COMPLIANT
        return None if self.build.succeeded else ModelVerdict.INCONCLUSIVE

    @property
    def disagreement(self) -> str:
        """What audit and builder say against each other; empty if they agree or one of them says nothing."""
        if self.audit is None or self.build is None:
            return ""
        if self.build.refused:
            if self.audit.verdict is ModelVerdict.COMPLIANT:
                return "the builder refuses a network that the audit allows"
            odd = sum(not refusal.rules for refusal in self.build.errors)
            places = "place" if odd == 1 else "places"
            return f"no rule here objects to what the builder refuses, in {odd} {places}" if odd else ""
        if self.build.succeeded and self.build.scope_checked and self.audit.verdict is ModelVerdict.NON_COMPLIANT:
            return "the builder accepts a network that the audit forbids"
        return ""

    @property
    def _without_build(self) -> ModelVerdict:
        """The verdict on the model; what could not be read is inconclusive.

        A scope check that was asked can only make it worse: its refusal is a refusal, its silence is no pass. So is a
        parser that refuses, and one whose network computes something else. A refusal of what valid deviations already
        cover is the one that they were written for.
        """
        own = ModelVerdict.INCONCLUSIVE if self.audit is None else self._decided(self.decisions.deviated)
        asked = self.confirmation
        if asked is None or own is ModelVerdict.NON_COMPLIANT:
            return own
        refused = asked.in_scope is False or asked.parsed is False
        if refused and not all(map(self._covered, asked.refusals or (None,))):
            return ModelVerdict.NON_COMPLIANT
        if asked.translation is not None and not all(map(self._covered, asked.translation.differences)):
            return ModelVerdict.NON_COMPLIANT
        return own if asked.checked else ModelVerdict.INCONCLUSIVE

    def _covered(self, refusal: Refusal | Misreading | None) -> bool:
        """Whether a refusal or misreading is of a node that has findings, each with a valid deviation."""
        if refusal is None or refusal.location is None or not refusal.rules:
            return False
        return self._deviated.get((refusal.location.scope, refusal.location.index), False)

    @cached_property
    def _deviated(self) -> dict[tuple[str, int | None], bool]:
        """Whether valid deviations cover all findings of a place, for every place that has findings."""
        found: dict[tuple[str, int | None], bool] = {}
        for finding in self.findings:
            place = (finding.location.scope, finding.location.index)
            found[place] = found.get(place, True) and finding.fingerprint in self.decisions.deviated
        return found

    def _decided(self, settled: Container[str]) -> ModelVerdict:
        """The verdict if findings with these fingerprints were accepted."""
        assert self.audit is not None
        if not self.audit.nodes or self.audit.verdict is ModelVerdict.COMPLIANT:
            return self.audit.verdict
        rest = {finding.verdict for finding in self.audit.findings if finding.fingerprint not in settled}
        if Verdict.FORBIDDEN in rest:
            return ModelVerdict.NON_COMPLIANT
        return ModelVerdict.INCONCLUSIVE if rest else ModelVerdict.COMPLIANT_WITH_DEVIATIONS

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings; those about the model itself come first. Empty if nothing was judged."""
        return self.audit.findings if self.audit is not None else ()

    @property
    def coverage(self) -> dict[str, int]:
        """Nodes by verdict; a node counts as deviated if a valid deviation covers each of its findings.

        `allowed`, `forbidden`, `unproven` and `deviated` add up to `total`.
        """
        kinds = self.node_kinds
        counts = Counter(kinds)
        return {"total": len(kinds), **{name: counts[name] for name in (*map(str, Verdict), "deviated")}}

    @property
    def node_kinds(self) -> list[str]:
        """The verdict on each node in order, or `deviated`; empty if nothing was judged."""
        nodes, deviated = self.audit.nodes if self.audit is not None else (), self._deviated
        if not self.decisions.deviated:
            return [str(node.verdict) for node in nodes]
        return [
            "deviated" if deviated.get((node.location.scope, node.location.index)) else str(node.verdict)
            for node in nodes
        ]

    @cached_property
    def cost(self) -> Cost | None:
        """Parameters, operations and memory traffic; None if nothing could be read."""
        if self.model is None or self.audit is None:
            return None
        return cost_of(self.model, self.audit.signatures.nodes, self.audit.products)

    @property
    def weight_files(self) -> list[str]:
        """Paths of the external data that the model was read with."""
        folder = os.path.dirname(self.path)
        return [os.path.join(folder, file.path) for file in self.model.external_data] if self.model is not None else []

    @property
    def exit_code(self) -> int:
        """0 compliant, 1 non-compliant, 3 inconclusive or unreadable, 4 a bug.

        What a baseline knows keeps its verdict, but does not fail the run. What a release forbids fails it.
        """
        code = self._exit_code
        return worst([code, 1]) if self.release is not None and self.release.violations else code

    @property
    def _exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        code = _EXIT_CODES[self.verdict]
        asked = self.confirmation is not None or self._objection is not None
        if code and self.decisions.debt and not asked and self.audit is not None:
            return _EXIT_CODES[self._decided({*self.decisions.deviated, *self.decisions.debt})]
        return code


def relative(text: str, path: str) -> str:
    """A message about a model without the absolute path of its folder, which does not belong into a report."""
    folder = os.path.join(printable(os.path.dirname(path)), "") if os.path.isabs(path) else ""
    return text.replace(folder, "") if folder else text

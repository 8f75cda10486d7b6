"""A profile: one target, the rules in force for it, and how its parser lowers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from safecheck.finding import Citation, Grade, Verdict
from safecheck.rulebook.lowering.lower import SHAPE_ARITHMETIC
from safecheck.rulebook.lowering.table import Table
from safecheck.rulebook.rule import ANY, Rule
from safecheck.values import dataclass, field

OF_OPERATOR = "of-operator"
"""What a rule names for all rewrites that take the operator (`rules/remedies.yaml`, or the file of the profile)."""
_TARGET = "IConvolutionLayer"


@dataclass(frozen=True, slots=True)
class Assumption:
    """A limit that no model file can show: it holds for the build, and the report says that it was assumed."""

    id: str
    text: str
    grade: Grade | None
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Idiom:
    """How an exporter spells something, and what another export does instead."""

    title: str
    note: str


@dataclass(frozen=True)
class Profile:
    """Everything that decides about a model."""

    id: str
    """As its file says; `own profile FILE, not shipped` where it rests on no shipped profile."""
    title: str
    version: str
    extends: tuple[str, ...]
    """Ids of the profiles below an overlay, nearest first; empty for a shipped profile."""
    target: dict[str, str]
    """tensorrt, drive_os, platform, device, capability."""
    sha256: str
    """Hash over the profile, its rules, its lowering and the bibliography, in a fixed order."""
    rules: tuple[Rule, ...]
    table: Table
    grades: frozenset[Grade]
    """Grades that may count as allowed."""
    extrapolated: bool
    """Whether allowances near the forms seen working count."""
    assumptions: tuple[Assumption, ...]
    idioms: dict[str, Idiom]
    """Exporter idioms by the names that `safecheck.ir.exporter_patterns` gives them."""
    remedies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Rewrites by the operators that they take; a rule names them together, as `of-operator`."""
    defects: tuple[Rule, ...] = ()
    """Reported wrong results of the release. They warn; with `strict-defects` they are among the rules instead."""
    released: bool = False
    """Whether the profile, and every profile below it, has the status `released`; a release is judged by no draft."""

    known_releases: tuple[str, ...] = ()
    """What can stand behind the `@`."""
    shipped: bool = True
    """Whether it is, or extends, a profile of this installation."""
    files: tuple[str, ...] = ()
    """Files of one's own that it was read from, as given; empty for a shipped profile."""
    release: str = ""
    """The release chosen as `profile@release`; empty for that of the profile."""

    @property
    def name(self) -> str:
        """What `--profile` calls it: `id` or `id@release`; a profile from a file has its id alone."""
        return f"{self.id}@{self.release}" if self.release else self.id

    @property
    def base(self) -> str:
        """Id of the profile at the bottom: its own, or that of the one that all overlays rest on."""
        return (self.id, *self.extends)[-1]

    @cached_property
    def mandatory(self) -> frozenset[str]:
        """Rules that can be neither deviated nor baselined."""
        return frozenset(rule.id for rule in self.rules if rule.mandatory)

    @cached_property
    def keeps_arithmetic(self) -> bool:
        """Whether a rule of its own judges arithmetic on fixed shapes, and not those about the layers it becomes."""
        return any(SHAPE_ARITHMETIC in rule.layers for rule in self.rules)

    @cached_property
    def _by_layer(self) -> dict[str, tuple[Rule, ...]]:
        return _by_name((rule, rule.layers) for rule in self.rules)

    def rules_for_layer(self, type_: str) -> tuple[Rule, ...]:
        """Rules about a layer type, then the rules about every layer."""
        return self._by_layer.get(type_) or self._by_layer.get(ANY, ())

    @cached_property
    def _by_operator(self) -> dict[str, tuple[Rule, ...]]:
        return _by_name((rule, rule.operators) for rule in self.rules)

    def rules_for_operator(self, op_type: str) -> tuple[Rule, ...]:
        """Rules about an ONNX operator that the parser imports, then the rules about every operator."""
        return self._by_operator.get(op_type) or self._by_operator.get(ANY, ())

    @cached_property
    def _defects(self) -> dict[str, tuple[Rule, ...]]:
        names = {name for rule in self.defects for name in rule.operators}
        return {name: tuple(rule for rule in self.defects if name in rule.operators) for name in names}

    def defects_of(self, op_type: str) -> tuple[Rule, ...]:
        """Known defects of an ONNX operator that only warn here."""
        return self._defects.get(op_type, ())

    def remedies_of(self, rule: Rule, operator: str) -> tuple[str, ...]:
        """The rewrites that remove a finding of a rule on an operator."""
        if OF_OPERATOR not in rule.remedies:
            return rule.remedies
        own = tuple(name for name in rule.remedies if name != OF_OPERATOR)
        return tuple(dict.fromkeys((*own, *(self.remedies.get(operator, ()) if self.builds else ()))))

    @cached_property
    def builds(self) -> bool:
        """Whether some convolution is known to pass: rewrites end in these, and would lead to the next finding."""
        return any(rule.verdict is Verdict.ALLOWED and self.counts(rule) for rule in self.rules_for_layer(_TARGET))

    def counts(self, rule: Rule) -> bool:
        """Whether an `allowed` of this rule is good enough here."""
        return rule.grade in self.grades and (self.extrapolated or not rule.extrapolated)


def _by_name(rules: Iterable[tuple[Rule, Iterable[str]]]) -> dict[str, tuple[Rule, ...]]:
    """The rules that name a thing, then those about every one, by the thing; the latter alone by `ANY`."""
    found: dict[str, list[Rule]] = {}
    for rule, names in rules:
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(rule)
    general = tuple(found.pop(ANY, ()))
    return {ANY: general, **{name: (*own, *general) for name, own in found.items()}}

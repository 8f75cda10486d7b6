"""The vendor's answer about an audited model: every refusal beside our node and our rules."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from io import FileIO
from tempfile import TemporaryDirectory

from safecheck.audit.audit import Audit
from safecheck.audit.evidence import Confirmation, Misreading, Refusal, Sameness, Translation
from safecheck.errors import UsageError
from safecheck.finding import Location
from safecheck.ir.model import Model
from safecheck.nvidia.scope_check.answers import Answer, Scope
from safecheck.nvidia.scope_check.ask import PACKAGE, PROGRAM, SECONDS, VERSION, ask, library_sha256, require
from safecheck.nvidia.scope_check.words import NETWORK, Refused, is_own_limit, origin
from safecheck.nvidia.translation.ask import PROGRAM as COMPARISON
from safecheck.nvidia.translation.ask import Answer as Comparison
from safecheck.nvidia.translation.ask import Otherwise
from safecheck.nvidia.translation.ask import ask as translated
from safecheck.nvidia.translation.seed import SEED
from safecheck.rulebook.profile import Profile

_CHANGED = "the file changed between the audit and the check; run again when nothing writes to it"


def confirmable(profile: Profile) -> bool:
    """Whether the check says anything about the target: TensorRT 10.x on a GPU."""
    return profile.target["tensorrt"].partition(".")[0] == "10" and profile.target["device"] == "gpu"


def require_confirmable(profile: Profile, option: str = "--confirm") -> None:
    """Refuse a profile that the check says nothing about, and an installation without the check.

    Raises:
        UsageError: the target is not TensorRT 10.x on a GPU, or the extra is missing.
    """
    target = profile.target
    if not confirmable(profile):
        what = f"the vendor's check is that of TensorRT 10.x, the target of {profile.id} is {target['tensorrt']}"
        what += "" if target["device"] == "gpu" else f" on {target['device']}"
        raise UsageError("SC-CFG-CONFIRM", option, what, "use --profile tensorrt-10-safety")
    require()


def confirm(
    model: Model,
    audit: Audit,
    stdin: FileIO | None = None,
    *,
    layers: bool = False,
    program: tuple[str, ...] = PROGRAM,
    comparison: tuple[str, ...] = COMPARISON,
    seconds: float = SECONDS,
) -> Confirmation:
    """Ask about a model as its file is; `stdin` holds the model that was audited as `-`.

    `layers` keeps every layer that the vendor's parser made.
    """
    size = model.size_bytes + sum(file.size_bytes for file in model.external_data)
    nodes = _Nodes(audit)
    with TemporaryDirectory(prefix="safecheck-") as folder:
        described = os.path.join(folder, "network")
        answer = ask(
            model.path, stdin, size=size, layers=layers, description=described, program=program, seconds=seconds
        )
        if answer.scope is Scope.CRASHED and os.path.exists(described):  # describing it ended the process
            answer = ask(model.path, stdin, size=size, layers=layers, program=program, seconds=seconds)
        translation = None
        if os.path.exists(described) and answer.scope is not Scope.CRASHED:
            compared = translated(model.path, described, stdin, size=size, program=comparison, seconds=seconds)
            translation = nodes.translation(compared)
    refusals = tuple(_refusals(answer, nodes))
    changed = "" if _unchanged(model, stdin) else _CHANGED
    problem = answer.reason or changed
    return Confirmation(
        package=PACKAGE,
        version=answer.version or VERSION,
        library_sha256=library_sha256(answer.library),
        checked=not problem,
        in_scope=None if problem else answer.scope is Scope.INSIDE,
        reason=problem,
        refusals=refusals,
        layers=tuple((made.name, made.label, nodes.name(made.metadata)) for made in answer.layers) if layers else (),
        parsed=None if changed else _parsed(answer),
        translation=None if changed else translation,
    )


def _parsed(answer: Answer) -> bool | None:
    """Whether the vendor's parser reads the model; None where nothing was said, or only what this package lacks."""
    if answer.scope is Scope.CRASHED:
        return None
    if answer.scope is not Scope.UNPARSED:
        return True
    return None if all(is_own_limit(one.limit) for one in answer.refused) else False


def _refusals(answer: Answer, nodes: _Nodes) -> Iterator[Refusal]:
    metadata = {made.name: made.metadata for made in answer.layers}
    for one in answer.refused:
        if one.layer == NETWORK and NETWORK not in metadata:
            yield nodes.about_io(one)
        elif answer.scope is Scope.UNPARSED:  # no layer yet, the parser names the node, or says where it is
            yield nodes.about(one, (one.layer, one.layer) if one.layer else (nodes.at(one.position), ""))
        else:
            yield nodes.about(one, origin(metadata.get(one.layer, "")))


class _Nodes:
    """The audited nodes by the names that the vendor gives them, and what we have against each."""

    def __init__(self, audit: Audit) -> None:
        self._main: dict[str, list[Location]] = {}
        self._nested: dict[str, list[Location]] = {}
        for node in audit.nodes:
            known = self._nested if node.location.scope else self._main
            known.setdefault(vendor_name(node.location), []).append(node.location)
        self._writers = {
            name: node.location for node in audit.nodes if not node.location.scope for name in node.location.outputs
        }
        self._rules: dict[tuple[str, int | None], list[str]] = {}
        for finding in audit.findings:
            self._rules.setdefault((finding.location.scope, finding.location.index), []).append(finding.rule)
        about_io = [finding.location for finding in audit.findings if finding.location.index is None]
        self._tensors = tuple(dict.fromkeys(name for location in about_io for name in location.outputs))

    def about(self, one: Refused, names: tuple[str, str]) -> Refusal:
        """A refusal of a layer with the node and the rules that go with it.

        Several nodes may have the name: then none is named, and the rules count only if each of the nodes has some.
        """
        places = self._places(names)
        rules = [self._rules.get((place.scope, place.index), []) for place in places]
        named = tuple(dict.fromkeys(rule for part in rules for rule in part)) if all(rules) else ()
        return Refusal(one.layer, one.limit, places[0] if len(places) == 1 else None, named)

    def about_io(self, one: Refused) -> Refusal:
        """A refusal of network inputs or outputs; the check does not say of which."""
        location = Location("", None, "", "", "", self._tensors) if self._tensors else None
        return Refusal(one.layer, one.limit, location, tuple(dict.fromkeys(self._rules.get(("", None), []))))

    def translation(self, answer: Comparison) -> Translation:
        """What came of the comparison, with nodes and rules."""
        return Translation(
            Sameness(answer.status),
            answer.reason,
            answer.samples,
            SEED,
            answer.compared,
            answer.outputs,
            tuple(map(self._misreading, answer.differences)),
            tuple((kind, name, self.name(metadata), why) for kind, name, metadata, why in answer.missing),
            answer.doubted,
        )

    def _misreading(self, one: Otherwise) -> Misreading:
        place = self._writers.get(one.tensor)
        rules = () if place is None else tuple(dict.fromkeys(self._rules.get((place.scope, place.index), [])))
        words = (one.tensor, one.sample, one.layer, one.parameters, one.file, one.network)
        return Misreading(*words, one.error, place, rules)

    def at(self, position: int) -> str:
        """The vendor's name of the node at a position of the main graph."""
        return next((name for name, found in self._main.items() if any(one.index == position for one in found)), "")

    def name(self, metadata: str) -> str:
        """The node of a layer by name; empty where there is none of that name."""
        places = self._places(origin(metadata))
        return vendor_name(places[0]) if places else ""

    def _places(self, names: tuple[str, str]) -> list[Location]:
        whole, inner = names
        return [*self._main.get(whole, ()), *(self._nested.get(inner, ()) if inner else ())]


def vendor_name(location: Location) -> str:
    """What the vendor's parser calls a node."""
    return location.node or f"node_of_{location.outputs[0] if location.outputs else ''}"


def _unchanged(model: Model, stdin: FileIO | None) -> bool:
    """Whether what was asked about is what was audited: the files are read twice."""
    folder = os.path.dirname(model.path)
    try:
        if stdin is not None:
            stdin.seek(0)
            return hashlib.file_digest(stdin, "sha256").hexdigest() == model.sha256
        files = [(model.path, model.sha256)]
        files += [(os.path.join(folder, file.path), file.sha256) for file in model.external_data]
        return all(_digest(path) == expected for path, expected in files)
    except OSError:
        return False


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The vendor's answer about an audited model: every refusal beside our node and our rules."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from io import FileIO

from safecheck.audit.audit import Audit
from safecheck.audit.evidence import Confirmation, Refusal
from safecheck.errors import UsageError
from safecheck.finding import Location
from safecheck.ir.model import Model
from safecheck.nvidia.scope_check.answers import Answer, Scope
from safecheck.nvidia.scope_check.ask import PACKAGE, PROGRAM, SECONDS, VERSION, ask, library_sha256, require
from safecheck.nvidia.scope_check.words import NETWORK, Refused, origin
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
    seconds: float = SECONDS,
) -> Confirmation:
    """Ask about a model as its file is; `stdin` holds the model that was audited as `-`.

    `layers` keeps every layer that the vendor's parser made.
    """
    size = model.size_bytes + sum(file.size_bytes for file in model.external_data)
    answer = ask(model.path, stdin, size=size, layers=layers, program=program, seconds=seconds)
    nodes = _Nodes(audit)
    refusals = tuple(_refusals(answer, nodes))
    problem = answer.reason or ("" if _unchanged(model, stdin) else _CHANGED)
    return Confirmation(
        package=PACKAGE,
        version=answer.version or VERSION,
        library_sha256=library_sha256(answer.library),
        checked=not problem,
        in_scope=None if problem else answer.scope is Scope.INSIDE,
        reason=problem,
        refusals=refusals,
        layers=tuple((made.name, made.label, nodes.name(made.metadata)) for made in answer.layers) if layers else (),
    )


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

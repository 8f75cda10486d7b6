"""Evidence as a file, schema `safecheck/evidence/1`: bound to one model by its SHA-256 and that of its weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn

from safecheck import __version__
from safecheck.audit.evidence import BuildEvidence, Refusal
from safecheck.errors import UsageError
from safecheck.finding import Location
from safecheck.ir.model import Model
from safecheck.nvidia.plan import BuildPlan
from safecheck.nvidia.version import release_of
from safecheck.strict.content import UnreadableError, content
from safecheck.strict.json import parsed
from safecheck.text import printable

SCHEMA = "safecheck/evidence/1"
_KEYS = ("schema", "tool", "date", "model", "profile", "plan", "build")
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_MAX_BYTES = 16 << 20
_HASHES = ("engine_sha256", "companion_sha256", "log_sha256", "layers_sha256")


@dataclass(frozen=True, slots=True)
class Record:
    """One evidence file."""

    path: str
    sha256: str
    """Of the model that was built."""
    external_data: tuple[tuple[str, str, int], ...]
    """Path, SHA-256 and size of its weight files."""
    build: BuildEvidence

    def check_model(self, model: Model, where: str) -> None:
        """Refuse a model that is not the one that was built.

        Raises:
            UsageError: another model, or other weights.
        """
        if self.sha256 != model.sha256:
            what = f"it is evidence of the model {self.sha256[:16]}…, and {printable(where)} is {model.sha256[:16]}…"
            _refuse(self.path, what, "give the evidence of this model, or build it again", "SC-EVI-MODEL")
        if self.external_data != _external(model):
            what = f"the weight files of {printable(where)} are not those that were built"
            _refuse(self.path, what, "build the model again", "SC-EVI-MODEL")


def write(model: Model, profile: Mapping[str, str], plan: BuildPlan | None, build: BuildEvidence, date: str) -> str:
    """The text of an evidence file. It names machine, versions and day: it is about them."""
    found = {
        "schema": SCHEMA,
        "tool": {"name": "safecheck", "version": __version__},
        "date": date,
        "model": {
            "sha256": model.sha256,
            "size_bytes": model.size_bytes,
            "external_data": [
                {"path": path, "sha256": sha256, "size_bytes": size} for path, sha256, size in _external(model)
            ],
        },
        "profile": dict(profile),
        "plan": None if plan is None else asdict(plan),
        "build": asdict(build),
    }
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def read(path: str) -> Record:
    """An evidence file, checked key by key.

    Raises:
        UsageError: it cannot be read, or something in it is not as written; says what.
    """
    try:
        found = parsed(content(path, _MAX_BYTES, f"{_MAX_BYTES >> 20} MiB"))
    except UnreadableError as error:
        _refuse(path, str(error), "give a file that safecheck build wrote")
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        _refuse(path, f'the schema is not "{SCHEMA}"', "give a file that safecheck build wrote")
    _keys(path, found, _KEYS)
    model = found["model"]
    _keys(path, model, ("sha256", "size_bytes", "external_data"), "model")
    sha256 = _text(path, model, "sha256", hashed=True)
    if not isinstance(model["external_data"], list):
        _broken(path, "external_data")
    external = tuple(_weights(path, entry) for entry in model["external_data"])
    return Record(path, sha256, external, _build(path, found["build"]))


def _external(model: Model) -> tuple[tuple[str, str, int], ...]:
    return tuple((file.path, file.sha256, file.size_bytes) for file in model.external_data)


def _weights(path: str, entry: Any) -> tuple[str, str, int]:
    _keys(path, entry, ("path", "sha256", "size_bytes"), "external_data")
    if type(entry["size_bytes"]) is not int:
        _broken(path, "size_bytes")
    return _text(path, entry, "path"), _text(path, entry, "sha256", hashed=True), entry["size_bytes"]


def _build(path: str, found: Any) -> BuildEvidence:
    names = [field.name for field in fields(BuildEvidence)]
    _keys(path, found, names, "build")
    if found["backend"] not in ("tensorrt", "trtexec", "imported"):
        _broken(path, "backend")
    for name in ("scope_checked", "refused"):
        if type(found[name]) is not bool:
            _broken(path, name)
    if found["succeeded"] is not None and type(found["succeeded"]) is not bool:
        _broken(path, "succeeded")
    if found["seconds"] is not None and type(found["seconds"]) not in (int, float):
        _broken(path, "seconds")
    if found["tensorrt"] != "":
        release_of(_text(path, found, "tensorrt"), printable(path))
    texts = {
        name: _text(path, found, name, hashed=name in _HASHES and found[name] != "")
        for name in ("reason", *_HASHES, "tensorrt", "gpu", "command", "consistency_checker", "kpi_run")
    }
    if found["succeeded"] is None and (found["scope_checked"] or texts["engine_sha256"]):
        _refuse(path, "nothing was built, yet there are results of a build", "build the model again")
    for name in ("flags_set", "flags_effective", "errors"):
        if not isinstance(found[name], list):
            _broken(path, name)
    return BuildEvidence(
        backend=found["backend"],
        succeeded=found["succeeded"],
        scope_checked=found["scope_checked"],
        seconds=found["seconds"],
        flags_set=_words(path, found["flags_set"], "flags_set"),
        flags_effective=_words(path, found["flags_effective"], "flags_effective"),
        errors=tuple(_refusal(path, entry) for entry in found["errors"]),
        refused=found["refused"],
        **texts,
    )


def _refusal(path: str, entry: Any) -> Refusal:
    _keys(path, entry, ("layer", "limit", "location", "rules"), "errors")
    location, place = entry["location"], None
    if location is not None:
        _keys(path, location, ("scope", "index", "node", "op_type", "domain", "outputs"), "location")
        if location["index"] is not None and type(location["index"]) is not int:
            _broken(path, "index")
        texts = {name: _text(path, location, name) for name in ("scope", "node", "op_type", "domain")}
        place = Location(index=location["index"], outputs=_words(path, location["outputs"], "outputs"), **texts)
    rules = _words(path, entry["rules"], "rules")
    return Refusal(_text(path, entry, "layer"), _text(path, entry, "limit"), place, rules)


def _words(path: str, found: Any, name: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        _broken(path, name)
    return tuple(found)


def _text(path: str, found: Mapping[str, Any], name: str, hashed: bool = False) -> str:
    value = found[name]
    if not isinstance(value, str) or (hashed and not _HASH.match(value)):
        _broken(path, name)
    return value


def _keys(path: str, found: Any, names: tuple[str, ...] | list[str], inside: str = "") -> None:
    if not isinstance(found, dict) or set(found) != set(names):
        have = set(found) if isinstance(found, dict) else set()
        odd = sorted(have.symmetric_difference(names))
        place = f"in {inside} " if inside else ""
        what = f"{place}the keys are not as written: {', '.join(printable(key, 40) for key in odd[:5])}"
        _refuse(path, what, "give a file that safecheck build wrote")


def _broken(path: str, name: str) -> NoReturn:
    _refuse(path, f"{printable(name, 40)} is not as written", "give a file that safecheck build wrote")


def _refuse(path: str, what: str, todo: str, code: str = "SC-EVI-FILE") -> NoReturn:
    raise UsageError(code, printable(path), what, todo)

"""The Python interface, which `import safecheck` offers: one function per command, for models in files and in memory.

Bytes pass through the same checks and limits as a file. Inputs are never touched. What cannot be read or is asked for
wrongly is an exception (`safecheck.errors`); what cannot be decided never is: it is a finding.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from safecheck.intake.memory import InMemory
from safecheck.intake.source import SIZE_LIMIT, too_large
from safecheck.rulebook.default import DEFAULT
from safecheck.rulebook.load import profile as load_profile_named
from safecheck.rulebook.profile import Profile

if TYPE_CHECKING:
    from safecheck.audit.report import Report
    from safecheck.ir.topology import Graph
    from safecheck.usecases.compare import Contrast
    from safecheck.usecases.fix import Fixed


class BinaryFile(Protocol):
    """Anything that is read like a file opened with `rb`."""

    def read(self, size: int = ..., /) -> bytes:
        """So many bytes, or what is left."""


class ModelMessage(Protocol):
    """An `onnx.ModelProto`."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The message as bytes."""


FileName: TypeAlias = "str | os.PathLike[str]"
ModelLike: TypeAlias = "FileName | bytes | bytearray | memoryview | BinaryFile | ModelMessage"
ProfileLike: TypeAlias = "FileName | Profile"
"""A target: a shipped profile by id, a profile or overlay in a file, or one that was loaded."""


def audit_model(
    model: ModelLike,
    profile: ProfileLike = DEFAULT,
    *,
    deviations: Iterable[FileName] = (),
    baseline: FileName | None = None,
    as_of: datetime.date | None = None,
) -> Report:
    """Judge every node of a model, as `safecheck audit` does.

    `deviations` and `baseline` name files; `as_of` is the day that expiry is judged by, today if None.

    Raises:
        InputError: the model cannot be read, or its meaning would be a guess.
        UsageError: there is no such profile, or a file of decisions is broken.
        RuleFileError: the profile is broken.
    """
    from safecheck.usecases.audit import judged

    book = load_profile(profile)
    report = judged(_source(model), book)
    files = [_path(file) for file in deviations]
    if not files and baseline is None:
        return report
    from safecheck.decisions.baseline import load
    from safecheck.usecases.review import read_deviations, review

    recorded = read_deviations(files, [book]) if files else None
    return review([report], recorded, as_of, None if baseline is None else load(_path(baseline)))[0]


def fix_model(
    model: ModelLike,
    out: FileName | None = None,
    profile: ProfileLike = DEFAULT,
    *,
    batch: int | None = None,
    opset: int | None = None,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    max_price: float | None = None,
    measure: bool = False,
) -> Fixed:
    """Rewrite what the profile does not allow, prove each rewrite, and write the result to `out`, if it is given.

    `batch` is the size for open batch dimensions, `opset` the version of ai.onnx to convert to first; `select` and
    `ignore` are names of rewrites; `max_price` is how many times the estimated price of the original the result may
    cost at most; with `measure` both are timed. The verdict on the result is `fixed.after.verdict`.

    Raises:
        InputError: the model cannot be read or converted.
        ProofError: the result as a whole is another function; nothing is written then.
        UsageError: no such profile or rewrite, or `out` cannot be written or is an input.
        RuleFileError: the profile is broken.
    """
    from safecheck.usecases.fix import Request, check_names
    from safecheck.usecases.limits import Budget, within

    check_names(select, "select")
    check_names(ignore, "ignore")
    target = None if out is None else _path(out)
    source, request = _source(model), Request(batch, opset, select, ignore, max_price=max_price, measure=measure)
    path = source if isinstance(source, str) else source.path
    order = (source, target, load_profile(profile), request)
    fixed: Fixed = within(Budget(), path, target, "safecheck.usecases.fix:fix", *order)
    return fixed


def compare_models(
    models: Mapping[str, ModelLike] | Sequence[ModelLike], profiles: Sequence[ProfileLike] = (DEFAULT,)
) -> Contrast:
    """Several models under several profiles, side by side. A model that cannot be read says so in its place.

    A mapping names the models; else they are called by their files, and models in memory by their position.

    Raises:
        UsageError: no such profile, or a model whose proto no file could hold.
        RuleFileError: a profile is broken.
    """
    from safecheck.cost.traffic import CACHE
    from safecheck.usecases.compare import Contrast, contrast_one, labels

    sources = [_source(model) for model in (models.values() if isinstance(models, Mapping) else models)]
    called = [source if isinstance(source, str) else f"model {at}" for at, source in enumerate(sources, 1)]
    names = list(models) if isinstance(models, Mapping) else labels(called)
    books = [load_profile(part) for part in profiles]
    columns = (contrast_one(one, name, books, None, (), CACHE) for one, name in zip(sources, names, strict=True))
    return Contrast(tuple(books), tuple(columns))


def graph_of(model: ModelLike | Report, profile: ProfileLike = DEFAULT) -> Graph:
    """The audited graph of a model, or of a report on one, as a `networkx.MultiDiGraph`.

    Every node that the report counts is there once, under a text that names scope and index: `12`, `12:then_branch:3`.
    Attributes are texts and numbers. Nodes: `scope`, `index`, `op_type`, `domain`, `name`, `outputs`, `verdict`,
    `layers`, `rules`, `fingerprints`, `signature`, `region`. Edges: `kind` (`data` or `holds`), and of data `value`,
    `dtype`, `shape`, `position`. The graph: `model`, `sha256`, `profile`, `verdict`, `rules`. See docs/api.md.

    Raises:
        InputError: the model cannot be read, or the report is on one that could not be.
        UsageError: there is no such profile.
        RuleFileError: the profile is broken.
    """
    from safecheck.audit.report import Report
    from safecheck.usecases.graph import audited_graph

    report = model if isinstance(model, Report) else audit_model(model, profile)
    if report.error is not None:
        raise report.error
    return audited_graph(report)


def load_profile(profile: ProfileLike = DEFAULT) -> Profile:
    """A target with its allowlist.

    A shipped one by id, with `@8.6.12` for one of its releases, or one from a file; a loaded one is given back.

    Raises:
        UsageError: there is no such profile or file.
        RuleFileError: a file is broken; the message names file, line and key.
    """
    return profile if isinstance(profile, Profile) else load_profile_named(_path(profile))


def _source(model: ModelLike) -> str | InMemory:
    """A path, or the bytes of the model.

    Raises:
        InputError: it is too large for one message.
        TypeError: this is no model.
    """
    if isinstance(model, str | os.PathLike):
        path = _path(model)
        return os.path.join(".", path) if path == "-" else path  # not standard input, which is no model of a caller
    if isinstance(model, bytes | bytearray | memoryview):
        return InMemory(bytes(model))
    if getattr(getattr(model, "DESCRIPTOR", None), "full_name", "") == "onnx.ModelProto":
        return InMemory(_serialised(model))
    read = getattr(model, "read", None)
    content = read(SIZE_LIMIT + 1) if callable(read) else None
    if not isinstance(content, bytes):
        kind = "a file opened without 'b'" if isinstance(content, str) else type(model).__name__
        raise TypeError(f"a model is a path, bytes, a binary file or an onnx.ModelProto, not {kind}")
    return InMemory(content)


def _serialised(proto: Any) -> bytes:
    try:
        data: bytes = proto.SerializeToString()
    except Exception as error:  # EncodeError or ValueError, as protobuf has it: beyond 2 GiB, or a required field
        raise too_large("<memory>", f"it cannot be serialised: {type(error).__name__}") from error
    return data


def _path(name: FileName) -> str:
    return os.fsdecode(name)

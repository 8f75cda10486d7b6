"""The command `safecheck compare MODEL...`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator

import click

from safecheck.cli.configured import files_read, search
from safecheck.cli.interrupt import keeping
from safecheck.cli.options import PROFILE
from safecheck.cli.output import emit, note, wrote
from safecheck.cli.progress import progress
from safecheck.cost.measured import Measurement, read_measurements
from safecheck.cost.published import published
from safecheck.cost.traffic import CACHE
from safecheck.errors import UsageError
from safecheck.intake.locations import weight_files
from safecheck.render import RENDERERS
from safecheck.render.output import Target, check_targets, targets_of
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.strict.yaml import suggest
from safecheck.text import printable
from safecheck.usecases.audit import compare_models
from safecheck.usecases.compare import Compared

_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".txt": "text"}


@click.command()
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@click.option(
    "--profile",
    "profiles",
    metavar="ID|FILE",
    type=PROFILE,
    multiple=True,
    help="A target; may be repeated, side by side.",
)
@click.option(
    "-o", "--out", "reports", metavar="FILE", multiple=True, help="A report; its format follows from the name."
)
@click.option(
    "--output",
    "outputs",
    metavar="FORMAT[=PATH]",
    multiple=True,
    help=f"{', '.join(RENDERERS['compare'])}; default: text.",
)
@click.option("--measured", metavar="FILE", multiple=True, help="Your measurements, JSON or CSV; may be repeated.")
@click.option(
    "--published", "--as", "named", metavar="NAME[=MODEL]", multiple=True,
    help="Which published network a model is; without MODEL, every model of its structure. Only then figures of the "
    "authors are shown.",
)  # fmt: skip
@click.option(
    "--cache",
    metavar="MIB",
    type=click.FloatRange(0, 1024),
    default=CACHE / 2**20,
    show_default=True,
    help="On-chip cache that the traffic estimate assumes; 0 for none.",
)
@click.option("--jobs", type=click.IntRange(1), help="Models at a time. Default: one per core.")
def compare(
    models: tuple[str, ...], profiles: tuple[str, ...], reports: tuple[str, ...], outputs: tuple[str, ...],
    measured: tuple[str, ...], named: tuple[str, ...], cache: float, jobs: int | None,
) -> int:  # fmt: skip
    """Set models side by side: verdicts, what stops them, size and memory traffic.

    Published figures and measurements are shown apart from what is counted here, each with its source.
    """
    chosen = tuple(dict.fromkeys(profiles)) or (DEFAULT,)
    books = [profile(name) for name in chosen]
    paths = search(models)
    if "-" in paths:
        raise UsageError("SC-CFG-INPUT", "-", "a comparison names its models, standard input has no name", "give files")
    targets = targets_of("compare", [*outputs, *(f"{_format_of(path)}={path}" for path in reports)])
    check_targets(targets, [*paths, *weight_files(paths), *measured, *files_read(*books)])
    measurements = [part for path in measured for part in read_measurements(path)]
    with keeping(target.path for target in targets):
        return _compare(paths, chosen, _named(named, paths), measurements, jobs, int(cache * 2**20), targets)


def _compare(
    paths: list[str], chosen: tuple[str, ...], named: tuple[dict[str, str], list[str]],
    measurements: list[Measurement], jobs: int | None, cache: int, targets: tuple[Target, ...],
) -> int:  # fmt: skip
    def watch(columns: Iterable[Compared]) -> Iterator[Compared]:
        return progress(columns, paths)

    one_by_one, claimed = named
    contrast = compare_models(paths, chosen, one_by_one, measurements, jobs, cache, claimed, watch)
    for model in contrast.models:
        if model.error:
            note(f"error[{model.error_code}]: {printable(model.path)}: {model.error}")
    if contrast.unused:
        note(f"warning: {contrast.unused} of {len(measurements)} measurements are of no model here")
    for target in targets:
        emit(target, "compare", contrast)
    wrote(targets, Counter(standing.verdict for model in contrast.models for standing in model.standings))
    return contrast.exit_code


def _format_of(path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise UsageError(
            "SC-OUT-FORMAT", printable(path), "the name tells no format", f"end it in one of {known}, or use --output"
        )
    return _SUFFIXES[suffix]


def _named(requests: tuple[str, ...], paths: list[str]) -> tuple[dict[str, str], list[str]]:
    """Path -> name of the published network; and the names that came without a path."""
    known = published()
    found, claimed = {}, []
    for request in requests:
        name, separator, path = request.partition("=")
        if name not in known:
            what = f"no published network '{printable(name, 60)}'{suggest(name, known)}"
            raise UsageError("SC-CFG-AS", "--published", what, f"write NAME=MODEL with one of: {', '.join(known)}")
        if not separator:
            claimed.append(name)
            continue
        if path not in paths:
            raise UsageError(
                "SC-CFG-AS", "--published", f"{printable(path)} is not among the models", "name one of them"
            )
        found[path] = name
    return found, claimed

"""The command `safecheck evidence MODEL -o BUNDLE.zip`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import click

from safecheck.assurance.bundle import Contents, Part, packed, plain_name
from safecheck.assurance.recorded import read_fix
from safecheck.assurance.run_facts import run_facts
from safecheck.audit.provenance import packages
from safecheck.audit.report import Report
from safecheck.cli.configured import files_read
from safecheck.cli.interrupt import keeping
from safecheck.cli.output import note, some
from safecheck.cli.reviewing import review_options
from safecheck.errors import UsageError
from safecheck.render import RENDERERS, plain
from safecheck.render.audit.json import content
from safecheck.render.json_text import dumped
from safecheck.render.output import Target, check_targets, write_bytes, write_file
from safecheck.rulebook.load import texts
from safecheck.text import printable
from safecheck.usecases.checks import Checks
from safecheck.usecases.selftest import run
from safecheck.usecases.suggestions import illustrated
from safecheck.workflow.config.settings import Settings

_ENDINGS = {
    "text": "txt", "json": "json", "html": "html", "sarif": "sarif.json", "junit": "junit.xml", "markdown": "md",
    "gitlab": "gitlab.json",
}  # fmt: skip
_OVERLAYS_TODO = "let each overlay extend a shipped profile or a file beside it"


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("-o", "--out", "target", metavar="BUNDLE.zip", required=True, help="Where the bundle goes.")
@click.option("--fix", "fixes", metavar="FILE.json", multiple=True, help="What `fix` reported about MODEL.")
@click.option("--run-facts", "facts_file", metavar="FILE", help="Also write when, where and by whom it was made.")
@review_options
def evidence(
    report: Report, checks: Checks, settings: Settings, target: str, fixes: tuple[str, ...], facts_file: str | None
) -> int:
    """Bundle everything that a release of MODEL is judged by: reports, rules, decisions, proofs, self-test, hashes.

    Equal inputs give equal bytes. `safecheck verify REPORT MODEL --bundle BUNDLE.zip` reads every byte of it again. The
    exit code is that of the audit; with --release nothing is written where anything stands against one.
    """
    read = [report.path, *report.weight_files, *files_read(report.profile), *checks.decisions, *checks.evidence, *fixes]
    check_targets([Target("evidence", path) for path in (target, facts_file) if path is not None], read)
    with keeping([target, facts_file]):
        return _bundled(report, checks, settings, target, fixes, facts_file)


def _bundled(
    report: Report, checks: Checks, settings: Settings, target: str, fixes: tuple[str, ...], facts_file: str | None
) -> int:
    """Write what was asked for, and give the exit code."""
    assert report.model is not None
    bound = [read_fix(path, report.model.sha256) for path in fixes]
    shown = replace(report, path=os.path.basename(report.path))  # the same bundle in whatever folder it is made
    facts = content(shown)
    about = {name: facts[name] for name in ("tool", "model", "profile", "verdict", "exit_code")}
    parts = [
        *_reports(report, shown),
        *_rules(report, settings),
        *_files("deviations", checks.deviations, "Records of deviations"),
        *_files("build", checks.evidence, "Evidence of a build"),
        *_files("fix", fixes, "Report of fix, with its proofs"),
        *_installation(report),
    ]
    contents = Contents(
        str(report.verdict), facts["model"], facts["profile"], tuple(parts), tuple(_open(report, bool(bound)))
    )
    page = Part("index.html", "index", _text("evidence", "html", contents), "This page")
    archive = packed(about, [*parts, page])
    write_bytes(target, archive)
    if facts_file is not None:
        write_file(facts_file, dumped(run_facts(os.path.basename(target), archive)))
    note(f"{printable(target)}: {len(parts) + 2} files about {printable(report.path)}, {report.verdict}")
    return report.exit_code


def _text(kind: str, name: str, result: object) -> bytes:
    return plain(RENDERERS[kind][name](result)).encode("utf-8", "backslashreplace")


def _reports(report: Report, shown: Report) -> Iterator[Part]:
    pictures = illustrated(report).illustration
    for name, ending in _ENDINGS.items():
        result = [replace(shown, illustration=pictures) if name == "html" else shown]
        yield Part(f"reports/report.{ending}", "report", _text("audit", name, result), name)
    yield Part("statement.intoto.json", "statement", _text("attest", "intoto", shown), "in-toto statement")
    yield Part("model.cdx.json", "statement", _text("attest", "cyclonedx", shown), "CycloneDX ML-BOM")


def _rules(report: Report, settings: Settings) -> Iterator[Part]:
    """The shipped rules in force, and the files of one's own. An overlay's base must be findable beside it."""
    book = report.profile
    own = list(book.files)
    if len({os.path.basename(path) for path in own}) < len(own) or len({os.path.dirname(path) for path in own}) > 1:
        raise UsageError("SC-EVI-OVERLAY", some(own), "overlays in several folders", _OVERLAYS_TODO)
    yield from _files("overlay", tuple(own), "Rules of the team")
    read = texts(own[0] if own else book.name)
    shipped = [(f"profiles/{book.base}.yaml" if path == "profile" else path, text) for path, text in read[len(own) :]]
    for path, text in dict(shipped).items():
        yield Part(f"rulebook/{path}", "rulebook", text.encode(), "Shipped rules")
    if settings.file:
        yield from _files("configuration", (settings.file,), "Configuration")


def _files(role: str, paths: tuple[str, ...], about: str) -> Iterator[Part]:
    names: set[str] = set()
    for path in paths:
        name = plain_name(path)
        if name.casefold() in names:
            what = f"two files are called {printable(name)}"
            raise UsageError("SC-EVI-NAME", printable(path), what, "rename one of them")
        names.add(name.casefold())
        with open(path, "rb") as file:
            yield Part(f"{role}/{name}", role, file.read(), about)


def _installation(report: Report) -> Iterator[Part]:
    """Whether the rules do here what their cases say, and what this installation is."""
    outcomes = list(run(report.profile.base))
    for name in ("json", "csv"):
        yield Part(f"selftest/selftest.{name}", "selftest", _text("selftest", name, outcomes), f"{len(outcomes)} cases")
    yield Part("tool/tool.cdx.json", "tool", _text("tool", "cyclonedx", packages()), "CycloneDX of the installation")


def _open(report: Report, is_fixed: bool) -> Iterator[str]:
    if report.build is None:
        yield "No evidence of a build by the vendor's builder."
    if report.confirmation is None:
        yield "The vendor's own scope check was not asked."
    if not is_fixed:
        yield "No report of rewrites: the model is taken as it is."
    if report.release is None:
        yield "No release was asked for: state of the repository and of the rules was not looked at."
    yield "Accuracy of the model on the target, and what its companion checkers of the vendor say."

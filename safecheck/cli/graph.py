"""The command `safecheck graph MODEL`."""

from __future__ import annotations

import click

from safecheck.cli.configured import chosen_profile, files_read
from safecheck.cli.options import profile_option
from safecheck.cli.output import emit
from safecheck.render import RENDERERS
from safecheck.render.output import Target, check_targets, refuse_clashes
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import judged
from safecheck.usecases.graph import audited_graph, neighbourhood

FORMATS = tuple(RENDERERS["graph"])


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True,
    help="GraphML for yEd, Gephi and networkx, DOT for Graphviz, JSON as node-link data, Mermaid for Markdown.",
)  # fmt: skip
@click.option(
    "--around", "centre", metavar="NODE", help="Only what is near this node: its name, or its index as in a report."
)
@click.option("--hops", type=click.IntRange(0), default=2, show_default=True, help="How near, in edges up and down.")
@profile_option
@click.option("-o", "--out", "path", metavar="FILE", help="Where the graph goes, instead of standard output.")
def graph(model: str, form: str, centre: str | None, hops: int, profile_name: str | None, path: str | None) -> int:
    """Write the audited graph, the verdict on every node in it.

    A node is named by its index, as `12`, or `12:then_branch:3` in a graph that node 12 holds. Exit code: 0 when the
    graph is written, whatever the verdicts in it; 3 if the model cannot be read.
    """
    book = profile(chosen_profile(profile_name, [model]))
    target = Target(form, path)
    check_targets([target], [model, *files_read(book)])
    report = judged(model, book)
    refuse_clashes([target], report.weight_files)
    found = audited_graph(report)
    emit(target, "graph", found if centre is None else neighbourhood(found, centre, hops))
    return 0

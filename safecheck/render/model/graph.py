"""The network as one page to walk through: folded, coloured by verdict, every node with what stands against it.

The page draws and lays out; what there is to draw is written here. Names are text in a JSON block that no parser takes
for markup, and the page puts them on a canvas or into text nodes, never into markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from safecheck import __version__
from safecheck.audit.report import Report, relative
from safecheck.finding import Citation, Finding
from safecheck.ir.blocks import Block, Member, blocks
from safecheck.ir.excerpt import shape_words
from safecheck.ir.graph import Scope
from safecheck.ir.topology import node_id
from safecheck.render.audit.html_findings import grade_words
from safecheck.render.audit.json import shown_path
from safecheck.render.audit.problems import LONG, fact, operator
from safecheck.render.html.templates import inlined, rendered
from safecheck.text import printable
from safecheck.usecases.graph import audited_graph

KINDS = ("allowed", "deviated", "unproven", "forbidden")
"""Verdicts on a node as the page counts them, best first."""
_NAME = 120
_MANY = 12
"""Inputs that stand beside each other; more are folded."""


class Rule(NamedTuple):
    """What one rule says, and how often."""

    id: str
    kind: str
    title: str
    grade: str
    why: str
    advice: str
    remedies: str
    sources: tuple[Citation, ...]
    places: int


class _Texts:
    """Every text once; the page knows them by number."""

    def __init__(self) -> None:
        self.all: dict[str, int] = {"": 0}

    def __call__(self, text: str) -> int:
        return self.all.setdefault(text, len(self.all))


def document(report: Report) -> str:
    """The whole file; of a model that could not be read, the reason."""
    rules = _rules(report.findings)
    return rendered(
        "graph.html.j2",
        own=inlined("graph.css"),
        scripts=[inlined("vendor/cytoscape.min.js"), inlined("vendor/dagre.min.js"), inlined("graph.js")],
        licences=[inlined(f"vendor/{name}.LICENSE.txt").text for name in ("cytoscape", "dagre")],
        report=report,
        name="standard input" if report.path == "-" else printable(shown_path(report.path)),
        version=__version__,
        coverage=report.coverage,
        rules=rules,
        kinds=KINDS,
        why=_why(report),
        data=_Drawn(report, rules).data() if report.audit is not None and report.audit.nodes else None,
    )


def _why(report: Report) -> str:
    """Why nothing was judged."""
    error = report.error
    if error is None:
        return ""
    return f"{relative(error.what, report.path)} [{error.code}]. Way out: {relative(error.todo, report.path)}"


def _rules(findings: Iterable[Finding]) -> dict[tuple[str, ...], Rule]:
    """What the findings say, worst first, then by the number of places."""
    found: dict[tuple[str, ...], Rule] = {}
    for finding in findings:
        rule = found.get(_said(finding)) or Rule(
            id=printable(finding.rule),
            kind=str(finding.verdict),
            title=printable(finding.message, LONG),
            grade=grade_words(finding.grade),
            why=printable(finding.why, LONG),
            advice=printable(finding.advice, LONG),
            remedies=", ".join(printable(name) for name in finding.remedies),
            sources=finding.sources,
            places=0,
        )
        found[_said(finding)] = rule._replace(places=rule.places + 1)
    return dict(sorted(found.items(), key=lambda item: (-KINDS.index(item[1].kind), -item[1].places, item[1].id)))


def _said(finding: Finding) -> tuple[str, ...]:
    return finding.rule, str(finding.verdict), finding.message, finding.advice


class _Drawn:
    """What there is to draw of one report."""

    def __init__(self, report: Report, rules: Mapping[tuple[str, ...], Rule]) -> None:
        assert report.model is not None
        assert report.audit is not None
        self.report, self.graph, self.audit = report, report.model.graph, report.audit
        self.rules = rules
        self.texts = _Texts()
        self.nodes: list[list[Any]] = []
        self.edges: list[tuple[int, int, int]] = []
        self.charged = self._charged()

    def data(self) -> dict[str, Any]:
        """What the script reads; texts by their number.

        `nodes` are `[id, operator, name, kind, layers, shape, findings]`, findings `[rule, facts, deviation]`, `edges`
        `[from, to, shape]`, shape 0 where no data flow, and `tree` nests `[title, ...]` and positions of nodes.
        """
        self._judged()
        positions = {node[0]: position for position, node in enumerate(self.nodes)}
        found = audited_graph(self.report)
        edges = (
            (positions[a], positions[b], self.texts(more.get("shape", ""))) for a, b, more in found.edges(data=True)
        )
        self.edges += dict.fromkeys(edges)
        main = self.graph.scopes[0]
        inner = _tree(blocks(self.graph, partial(self.audit.signatures.lookup, main)), positions)
        tree = [*self._ends("input", _inputs(main), main), *inner, *self._ends("output", sorted(main.outputs), main)]
        said = ((rule.id, rule.title, rule.advice, rule.remedies) for rule in self.rules.values())
        rules = [[*map(self.texts, texts)] for texts in said]
        return {"nodes": self.nodes, "edges": self.edges, "tree": tree, "rules": rules, "texts": list(self.texts.all)}

    def _charged(self) -> dict[tuple[str, int | str], list[list[Any]]]:
        """The findings at each node, by scope and position, and at each network input and output, by its name."""
        numbers = {said: number for number, said in enumerate(self.rules)}
        found: dict[tuple[str, int | str], list[list[Any]]] = {}
        for finding in self.report.findings:
            place = finding.location
            record = self.report.decisions.deviated.get(finding.fingerprint)
            said = [
                numbers[_said(finding)],
                [self.texts(fact(part)) for part in finding.evidence],
                self.texts("" if record is None else f"deviation {printable(record.id)}"),
            ]
            for name in place.outputs if place.index is None else (place.index,):
                found.setdefault((place.scope, name), []).append(said)
        return found

    def _judged(self) -> None:
        """The nodes of the model, in the order of the audit."""
        scopes = {scope.path: scope for scope in self.graph.scopes}
        for kind, node in zip(self.report.node_kinds, self.audit.nodes, strict=True):
            place = node.location
            assert place.index is not None
            first = next(filter(None, place.outputs), "")
            self.nodes.append([
                node_id(place.scope, place.index), self.texts(operator(place)),
                self.texts(printable(place.node, _NAME)), KINDS.index(kind),
                self.texts(printable(", ".join(node.layers), LONG)), self._shape(scopes[place.scope], first),
                self.charged.get((place.scope, place.index), []),
            ])  # fmt: skip

    def _shape(self, scope: Scope, value: str) -> int:
        return self.texts(shape_words(self.audit.signatures.lookup(scope, value)))

    def _ends(self, kind: str, names: Sequence[str], main: Scope) -> list[Any]:
        """Inputs or outputs of the network with their edges, and their part of the tree: folded if there are many."""
        found: list[Any] = []
        kinds = [rule.kind for rule in self.rules.values()]
        for name in names:
            position, shape, findings = len(self.nodes), self._shape(main, name), self.charged.get(("", name), [])
            worst = max((KINDS.index(kinds[rule]) for rule, *_ in findings), default=0)
            self.nodes.append([kind, self.texts(kind), self.texts(printable(name, _NAME)), worst, 0, shape, findings])
            found.append(position)
            maker = main.producers.get(name)
            if kind == "input":
                readers = dict.fromkeys(node.index for node in main.readers.get(name, ()))
                self.edges += [(position, reader, shape) for reader in readers]
            elif maker is not None:
                self.edges.append((maker.index, position, shape))
        return [[f"{len(found)} {kind}s", *found]] if len(found) > _MANY else found


def _inputs(main: Scope) -> list[str]:
    """Network inputs that no initializer stands for."""
    given = set(main.initializers)
    return [name for name, tensor in main.tensors.items() if tensor.network_input and name not in given]


def _tree(members: Iterable[Member], positions: dict[str, int]) -> list[Any]:
    return [
        [member.title, *_tree(member.members, positions)] if isinstance(member, Block) else positions[member]
        for member in members
    ]

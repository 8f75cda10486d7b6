"""Every format of the graph is read back by somebody else's reader: same nodes, same edges, same verdicts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import onnx
import pydot
import pytest
from graph_models import named_like_syntax, nested, nested_under

from safecheck.intake.memory import InMemory
from safecheck.render import RENDERERS
from safecheck.render.graph.look import LOOKS, label
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import judged
from safecheck.usecases.graph import audited_graph

ROOT = Path(__file__).parents[3]
BOOK = profile(DEFAULT)
MODELS = {
    "csa": onnx.load(ROOT / "examples" / "csa-block-refused.onnx"),
    "nested": nested(),
    "syntax": named_like_syntax(),
    "odd-attribute": nested_under("</data>\"]\\"),
}  # fmt: skip
Nodes = dict[str, dict[str, str]]
Edges = list[tuple[str, str, dict[str, str]]]


def graph_of(name: str) -> nx.MultiDiGraph:
    return audited_graph(judged(InMemory(MODELS[name].SerializeToString()), BOOK))


def words(attributes: dict[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in attributes.items()}


def content(graph: nx.MultiDiGraph) -> tuple[Nodes, Edges]:
    nodes = {node: words(attributes) for node, attributes in graph.nodes(data=True)}
    edges = [(source, end, words(attributes)) for source, end, attributes in graph.edges(data=True)]
    return nodes, sorted(edges, key=repr)


@pytest.fixture(params=MODELS)
def graph(request: pytest.FixtureRequest) -> nx.MultiDiGraph:
    return graph_of(request.param)


def test_graphml_is_read_by_networkx(graph: nx.MultiDiGraph) -> None:
    read = nx.parse_graphml(RENDERERS["graph"]["graphml"](graph), edge_key_type=int, force_multigraph=True)
    looks = {node: (data.pop("shape_type"), data.pop("label")) for node, data in read.nodes(data=True)}
    for data in dict(read.nodes(data=True)).values():
        del data["x"], data["y"]
    assert content(read) == content(graph)
    assert list(read) == list(graph)
    assert sorted(read.edges(keys=True)) == sorted(graph.edges(keys=True))
    assert {key: value for key, value in read.graph.items() if key in graph.graph} == graph.graph
    for node, (shape, text) in looks.items():
        verdict = graph.nodes[node]["verdict"]
        assert shape == LOOKS[verdict].yed
        assert text.startswith(f"{graph.nodes[node]['op_type']} {node}")
        assert (verdict in text) is (verdict != "allowed"), "the verdict is told in words, too"


def test_graphml_ids_are_unique(graph: nx.MultiDiGraph) -> None:
    root = ElementTree.fromstring(RENDERERS["graph"]["graphml"](graph))
    found = [part.attrib["id"] for part in root.iter() if part.tag.endswith("}edge")]
    assert len(set(found)) == len(found) == graph.number_of_edges()


def test_json_is_read_by_networkx(graph: nx.MultiDiGraph) -> None:
    read = nx.node_link_graph(json.loads(RENDERERS["graph"]["json"](graph)), edges="edges")
    assert list(read.nodes(data=True)) == list(graph.nodes(data=True))
    assert list(read.edges(keys=True, data=True)) == list(graph.edges(keys=True, data=True))
    assert read.graph == graph.graph


def unquoted(text: str) -> str:
    assert text.startswith('"')
    assert text.endswith('"')
    return re.sub(r'\\([\\"])', r"\1", text[1:-1])


@pytest.mark.slow
def test_dot_is_read_by_pydot(graph: nx.MultiDiGraph) -> None:
    (read,) = pydot.graph_from_dot_data(RENDERERS["graph"]["dot"](graph))
    drawn = {"label", "shape", "fillcolor", "color"}
    nodes = {
        unquoted(node.get_name()): {key: unquoted(value) for key, value in node.get_attributes().items()}
        for node in read.get_nodes()
        if node.get_name() != "node" and node.get_name() != "edge"
    }
    for node, attributes in nodes.items():
        look = LOOKS[graph.nodes[node]["verdict"]]
        assert (attributes["shape"], attributes["fillcolor"]) == (look.dot, look.fill)
    edges = [
        (unquoted(edge.get_source()), unquoted(edge.get_destination()), {
            key: unquoted(value) for key, value in edge.get_attributes().items() if key not in ("label", "style")
        })
        for edge in read.get_edges()
    ]  # fmt: skip
    own = {
        node: {key.removeprefix("onnx_"): value for key, value in data.items() if key not in drawn}
        for node, data in nodes.items()
    }
    assert (own, sorted(edges, key=repr)) == content(graph)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_dot_is_drawn_by_graphviz(graph: nx.MultiDiGraph) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"], input=RENDERERS["graph"]["dot"](graph), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    root = ElementTree.fromstring(done.stdout)
    space = "{http://www.w3.org/2000/svg}"
    groups = [part for part in root.iter(f"{space}g") if part.get("class") in ("node", "edge")]
    drawn = {part.findtext(f"{space}title"): part for part in groups if part.get("class") == "node"}
    assert len(drawn) == len(graph)
    assert sum(part.get("class") == "edge" for part in groups) == graph.number_of_edges()
    said = [" ".join(text.text or "" for text in part.iter(f"{space}text")) for part in drawn.values()]
    shown = [text.replace("\N{NO-BREAK SPACE}", " ") for text in said]
    expected = [" ".join(label(node, attributes)) for node, attributes in graph.nodes(data=True)]
    assert sorted(shown) == sorted(expected), "Graphviz takes nothing in a name for an escape"


def test_mermaid_is_as_plain_as_its_grammar(graph: nx.MultiDiGraph) -> None:
    """Every line is one of four kinds; texts hold nothing that is syntax, and decode to what the graph says."""
    lines = RENDERERS["graph"]["mermaid"](graph).splitlines()
    quoted = r'"((?:[A-Za-z0-9 _.,:/?-]|#\d+;|<br>)*)"'
    brackets = {look.mermaid: verdict for verdict, look in LOOKS.items()}
    nodes, edges = [], []
    assert lines[0] == "flowchart TB"
    for line in lines[1:]:
        node = re.fullmatch(rf"  n(\d+)([\[({{]+){quoted}([\])}}]+):::(\w+)", line)
        edge = re.fullmatch(rf"  n(\d+) (?:-->\|{quoted}\||-\.->) n(\d+)", line)
        if node:
            number, left, shown, right, verdict = node.groups()
            assert brackets[left, right] == verdict
            assert int(number) == len(nodes)
            nodes.append((verdict, re.sub(r"#(\d+);", lambda found: chr(int(found[1])), shown)))
        elif edge:
            edges.append((int(edge[1]), int(edge[3])))
        else:
            assert re.fullmatch(r"  classDef (\w+) fill:#\w{6},stroke:#\w{6},color:#000", line), line
    assert [verdict for verdict, _ in nodes] == [verdict for _, verdict in graph.nodes(data="verdict")]
    for (node, attributes), (_, text) in zip(graph.nodes(data=True), nodes, strict=True):
        assert text.startswith(f"{attributes['op_type']} {node}")
        assert attributes["name"] in text
    place = {node: number for number, node in enumerate(graph)}
    assert sorted(edges) == sorted((place[source], place[end]) for source, end in graph.edges())


@pytest.mark.slow
def test_equal_models_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(MODELS["nested"].SerializeToString())
    code = f"""
from safecheck.cli import run
for form in {list(RENDERERS["graph"])!r}:
    run(["graph", {str(path)!r}, "--format", form, "--around", "1"])
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert all(word in outputs[0] for word in (b"<graphml ", b"digraph {", b'"multigraph": true', b"flowchart TB"))


def test_every_verdict_has_a_shape_and_a_colour_of_its_own() -> None:
    assert set(LOOKS) == {"allowed", "deviated", "unproven", "forbidden"}
    for part in range(len(next(iter(LOOKS.values())))):
        assert len({look[part] for look in LOOKS.values()}) == len(LOOKS)

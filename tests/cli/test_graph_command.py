"""`safecheck graph` as a user meets it: a real process, real files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import networkx as nx
import onnx
import processes
import pytest
from graph_models import NAMES, named_like_syntax, nested

ROOT = Path(__file__).parents[2]
REFUSED = ROOT / "examples" / "csa-block-refused.onnx"


def graph(*arguments: object, folder: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return processes.safecheck("graph", *arguments, cwd=folder, stdin=given)


def nodes(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [node["id"] for node in json.loads(done.stdout)["nodes"]]


def test_graphml_is_the_default_and_a_refused_model_is_no_failure(tmp_path: Path) -> None:
    done = graph(REFUSED, folder=tmp_path)
    assert done.returncode == 0, "what is written is what was asked for"
    assert done.stderr == b""
    read = nx.parse_graphml(done.stdout.decode())
    assert read.graph["verdict"] == "non-compliant"
    assert "forbidden" in {verdict for _, verdict in read.nodes(data="verdict")}


def test_a_file_is_written_whole_and_nothing_else(tmp_path: Path) -> None:
    done = graph(REFUSED, "--format", "dot", "-o", "g.dot", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["g.dot"]
    assert (tmp_path / "g.dot").read_bytes() == graph(REFUSED, "--format", "dot", folder=tmp_path).stdout


def test_standard_input(tmp_path: Path) -> None:
    done = graph("-", "--format", "json", folder=tmp_path, given=REFUSED.read_bytes())
    assert nodes(done) == nodes(graph(REFUSED, "--format", "json", folder=tmp_path))


def test_around_a_node_by_index_by_place_and_by_name(tmp_path: Path) -> None:
    onnx.save(nested(), tmp_path / "m.onnx")
    near = ("m.onnx", "--format", "json", "--hops", 1, "--around")
    assert nodes(graph(*near, "2", folder=tmp_path)) == ["1", "2", "3"]
    assert nodes(graph(*near, "square", folder=tmp_path)) == ["1", "2", "3"]
    branch = nodes(graph(*near, "1:then_branch:0", folder=tmp_path))
    assert branch == ["0", "1", "1:then_branch:0", "1:then_branch:1"]
    assert nodes(graph("m.onnx", "--format", "json", "--around", "mean", folder=tmp_path)) == [
        "function:local:Pooled:0", "function:local:Pooled:1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if "\x00" not in name])
def test_a_node_is_found_by_a_hostile_name(name: str, tmp_path: Path) -> None:
    onnx.save(named_like_syntax(), tmp_path / "m.onnx")
    done = graph("m.onnx", "--format", "json", "--hops", 0, "--around", name, folder=tmp_path)
    assert nodes(done) == [str(NAMES.index(name))]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("sqare", "there is no node 'sqare' (did you mean 'square'?)"),
        ("99", "there is no node '99'"),
        ("twin", "2 nodes are called 'twin'; use one of: 0, 2"),
    ],
)
def test_a_node_that_is_not_there_or_not_alone(named: str, said: str, tmp_path: Path) -> None:
    model = nested()
    model.graph.node[0].name = "twin" if named == "twin" else "relu"
    model.graph.node[2].name = "twin" if named == "twin" else "square"
    onnx.save(model, tmp_path / "m.onnx")
    done = graph("m.onnx", "--around", named, folder=tmp_path)
    assert done.returncode == 2
    assert f"error[SC-CFG-NODE]: --around: {said}" in done.stderr.decode()
    assert done.stdout == b""


def test_a_model_that_cannot_be_read_is_3_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    done = graph("m.onnx", "-o", "g.graphml", folder=tmp_path)
    assert done.returncode == 3
    assert b"error[SC-IO-EMPTY]" in done.stderr
    assert not (tmp_path / "g.graphml").exists()


def test_no_input_is_overwritten(tmp_path: Path) -> None:
    model = onnx.load(REFUSED)
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for out in before:
        done = graph("m.onnx", "-o", out, folder=tmp_path)
        assert done.returncode == 2
        assert b"this is an input" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_profile_decides(tmp_path: Path) -> None:
    done = graph(REFUSED, "--format", "json", "--profile", "tensorrt-10-safety", folder=tmp_path)
    assert json.loads(done.stdout)["graph"]["profile"] == "tensorrt-10-safety"
    assert graph(REFUSED, "--profile", "nonsense", folder=tmp_path).returncode == 2

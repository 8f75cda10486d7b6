"""The page of the graph as a text: everything of the model is in it, once, and nothing of it is markup."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import html5lib
import onnx
import pytest
from graph_models import NAMES, named_like_syntax, nested
from report_models import HOSTILE, hostile, large

from safecheck import audit_model
from safecheck.ir.blocks import FLAT, Block, Member, blocks
from safecheck.render import RENDERERS
from safecheck.rulebook.load import profile
from safecheck.text import printable
from safecheck.usecases.audit import audit_model as unreadable

VENDOR = Path(__file__).parents[3] / "reports" / "vendor"


def page(model: onnx.ModelProto, folder: Path) -> tuple[str, dict[str, Any]]:
    onnx.save(model, folder / "model.onnx")
    text = RENDERERS["model"]["graph"](audit_model(str(folder / "model.onnx")))
    assert isinstance(text, str)
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return text, json.loads(block[1])


def leaves(tree: list[Any]) -> list[int]:
    return [leaf for part in tree for leaf in (leaves(part[1:]) if isinstance(part, list) else [part])]


@pytest.mark.parametrize("model", [nested(), hostile(), large(1000)])
def test_every_node_is_in_the_tree_once_and_every_finding_at_its_node(model: onnx.ModelProto, tmp_path: Path) -> None:
    _, data = page(model, tmp_path)
    report = audit_model(str(tmp_path / "model.onnx"))
    assert report.audit is not None
    assert sorted(leaves(data["tree"])) == list(range(len(data["nodes"])))
    ends = sum(node[0] in ("input", "output") for node in data["nodes"])
    assert len(data["nodes"]) == len(report.audit.nodes) + ends
    kinds = ("allowed", "deviated", "unproven", "forbidden")
    assert [kinds[node[3]] for node in data["nodes"]][: len(report.node_kinds)] == report.node_kinds
    assert sum(len(node[6]) for node in data["nodes"]) == len(report.findings)
    texts = data["texts"]
    for position, node in enumerate(report.audit.nodes):
        expected = [one.rule for one in report.findings if one.location == node.location]
        assert [texts[data["rules"][found[0]][0]] for found in data["nodes"][position][6]] == expected
    reach = {end for edge in data["edges"] for end in edge[:2]}
    assert reach <= set(range(len(data["nodes"])))


@pytest.mark.parametrize(("model", "names"), [(hostile(), HOSTILE), (named_like_syntax(), NAMES)])
def test_names_are_data(model: onnx.ModelProto, names: tuple[str, ...], tmp_path: Path) -> None:
    text, data = page(model, tmp_path)
    held = {data["texts"][node[2]] for node in data["nodes"]}
    assert {printable(name, 120) for name in names} <= held
    inner = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    parser = html5lib.HTMLParser(strict=False)
    tree = parser.parse(inner)
    tags = [element.tag.rpartition("}")[2] for element in tree.iter() if isinstance(element.tag, str)]
    assert tags.count("script") == 1
    assert not {"img", "iframe", "object", "embed", "link", "base"} & set(tags)


def test_the_policy_names_each_script_and_style_and_nothing_else(tmp_path: Path) -> None:
    text, _ = page(nested(), tmp_path)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(part.strip().split(" ", 1) for part in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    for kind, tag in (("script-src", r"<script>"), ("style-src", r"<style[^>]*>")):
        parts = re.findall(rf"{tag}(.*?)</{kind[:-4]}>", text, re.DOTALL)
        hashes = [b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts]
        assert rules[kind].split() == [f"'sha256-{found}'" for found in hashes]
    assert "sourceMappingURL" not in text


def test_a_model_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    report = unreadable(str(tmp_path / "model.onnx"), profile("tensorrt-8.6-restricted"))
    text = RENDERERS["model"]["graph"](report)
    assert "SC-IO-LFS" in text
    assert "<script" not in text


def depth(members: tuple[Member, ...]) -> int:
    assert len(members) <= FLAT or all(isinstance(member, str) for member in members)
    return 1 + max((depth(member.members) for member in members if isinstance(member, Block)), default=0)


def test_a_residual_branch_is_one_block(tmp_path: Path) -> None:
    """Sixty branches of four nodes around a stream: each is a block that its sum ends, whatever the names."""
    value = onnx.helper.make_tensor_value_info
    nodes, stream = [], "x"
    for number in range(60):
        for step, (operator, reads) in enumerate((("Relu", stream), ("Sigmoid", ""), ("Tanh", ""))):
            nodes.append(onnx.helper.make_node(operator, [reads or f"{number}.{step - 1}"], [f"{number}.{step}"]))
        nodes.append(onnx.helper.make_node("Add", [f"{number}.2", stream], [f"sum{number}"]))
        stream = f"sum{number}"
    shape = [1, 4, 8, 8]
    graph = onnx.helper.make_graph(nodes, "g", [value("x", 1, shape)], [value(stream, 1, shape)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "model.onnx")
    report = audit_model(str(tmp_path / "model.onnx"))
    assert report.model is not None
    assert report.audit is not None
    main, lookup = report.model.graph.scopes[0], report.audit.signatures.lookup
    found = blocks(report.model.graph, lambda name: lookup(main, name))
    assert depth(found) >= 2

    def inner(members: tuple[Member, ...]) -> list[tuple[Member, ...]]:
        deep = [part for member in members if isinstance(member, Block) for part in inner(member.members)]
        return deep or [members]

    assert inner(found) == [tuple(str(4 * number + step) for step in range(4)) for number in range(60)]


# --- what is vendored -----------------------------------------------------------------------------------------------


def vendored() -> dict[str, tuple[str, list[tuple[str, str, str]]]]:
    """Package -> integrity of its tarball, and (file, member of the tarball, SHA-256)."""
    found: dict[str, tuple[str, list[tuple[str, str, str]]]] = {}
    package = ""
    for line in (VENDOR / "vendor.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            file, member, digest = line.split()
            found[package][1].append((file, member, digest))
        elif not line.startswith("#"):
            package, _, rest = line.partition(": ")
            licence, integrity = rest.split()
            assert licence == "MIT"
            found[package] = (integrity, [])
    return found


def test_what_is_vendored_is_what_the_list_says() -> None:
    files = {file for _, members in vendored().values() for file, _, _ in members}
    assert files == {file.name for file in VENDOR.iterdir()} - {"vendor.txt"}
    for integrity, members in vendored().values():
        assert integrity.startswith("sha512-")
        assert any("LICENSE" in file for file, _, _ in members)
        for file, _, digest in members:
            assert hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.skipif("SAFECHECK_TARBALLS" not in os.environ, reason="SAFECHECK_TARBALLS names no folder of npm tarballs")
def test_what_is_vendored_is_in_the_tarball_of_the_registry() -> None:
    """`npm pack cytoscape@<version> @dagrejs/dagre@<version>` fetches them."""
    tarballs = {}
    for file in Path(os.environ["SAFECHECK_TARBALLS"]).glob("*.tgz"):
        tarballs[f"sha512-{b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()}"] = file
    for integrity, members in vendored().values():
        with tarfile.open(tarballs[integrity]) as tarball:
            for file, member, _ in members:
                held = tarball.extractfile(member)
                assert held is not None
                assert held.read() == (VENDOR / file).read_bytes()


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_writes_it_for_one_model_only(tmp_path: Path) -> None:
    for name in ("a", "b"):
        onnx.save(nested(), tmp_path / f"{name}.onnx")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "safecheck", "audit", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    done = run("a.onnx", "b.onnx", "--output", "graph=g.html")
    assert done.returncode == 2
    assert "graph is about one model" in done.stderr
    assert not (tmp_path / "g.html").exists()
    done = run("a.onnx", "--output", "graph=g.html", "--output", "netron=n.onnx")
    assert done.returncode in (1, 3), done.stderr
    assert (tmp_path / "g.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert onnx.load(tmp_path / "n.onnx").metadata_props
    for arguments in (("-", "--output", "netron=n.onnx"), ("a.onnx", "--output", "netron")):
        assert run(*arguments).returncode == 2
    assert run("a.onnx", "--output", "netron=a.onnx").returncode == 2, "never over an input"

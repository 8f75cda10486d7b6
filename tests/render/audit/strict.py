"""Strict readers of every format: each gives all texts of a report, or fails where a lenient reader might not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import html5lib
import jsonschema
import xmlschema
from markdown_it import MarkdownIt

HERE = Path(__file__).parent
_ACTIVE = re.compile(r"(?<![\w`/])@\w|#[0-9]|\bwww\.|://|\w@\w", re.IGNORECASE)
"""What GitHub makes a mention, a reference or a link of, outside code and links."""


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), "a key twice"
    return found


def loaded(text: str) -> Any:
    """Strict JSON: no key twice, no NaN, no control character."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, object_pairs_hook=_object, parse_constant=refuse)


def read_json(text: str) -> list[str]:
    assert text.isascii()
    return list(strings(loaded(text)))


def read_text(text: str) -> list[str]:
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines)
    return lines


@cache
def _sarif_schema() -> Any:
    schema = json.loads((HERE / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def plain(message: str) -> str:
    """What a viewer shows of a SARIF message: no placeholder, no link, and braces and brackets as they were."""
    without = message.replace("{{", "").replace("}}", "")
    assert "{" not in without, message
    assert "}" not in without, message
    assert not re.search(r"(?<!\\)(?:\\\\)*\]\(", message), message
    return message.replace("{{", "{").replace("}}", "}").replace("\\](", "](")


def read_sarif(text: str) -> list[str]:
    """All texts, messages as a viewer shows them."""
    log = loaded(text)
    assert text.isascii()
    _sarif_schema().validate(log)
    github_accepts(log)
    found = list(strings(log))
    for run in log["runs"]:
        found += [plain(result["message"]["text"]) for result in run["results"]]
        for rule in run["tool"]["driver"]["rules"]:
            found += [plain(rule[key]["text"]) for key in ("shortDescription", "fullDescription", "help")]
            found += read_markdown(rule["help"]["markdown"].replace("{{", "{").replace("}}", "}"))
    return found


def github_accepts(log: Any) -> None:
    """What GitHub's code scanning asks for beyond the schema."""
    assert len(json.dumps(log)) < 100 * 2**20
    assert len(log["runs"]) <= 20
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len(rules) <= 25_000
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert len(rule.get("properties", {}).get("tags", [])) <= 10
            assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        assert len(run["results"]) <= 25_000
        fingerprints = set()
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["message"]["text"]
            assert 1 <= len(result["locations"]) <= 1000
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert place["region"]["startLine"] >= 1
                uri = place["artifactLocation"]["uri"]
                assert run["artifacts"][place["artifactLocation"]["index"]]["location"]["uri"] == uri
                parts = urlsplit(uri)
                assert uri.isascii()
                assert parts.path == uri
                assert not uri.startswith("/")
                assert ".." not in uri.split("/")
                fingerprints.add((uri, result["ruleId"], *result["partialFingerprints"].values()))
            # SARIF, 3.27.9 and 3.27.10: only a failure has a level.
            assert (result["kind"] == "fail") == (result["level"] != "none")
        assert len(fingerprints) == len(run["results"]), "two results would become one alert"
        for key in ("suppressions", "baselineState"):
            assert len({key in result for result in run["results"]}) <= 1


@cache
def _junit_schema() -> Any:
    return xmlschema.XMLSchema(HERE / "junit-10.xsd")


def read_junit(text: str) -> list[str]:
    """All texts and attributes; expat refuses every character that XML 1.0 forbids."""
    root = ET.fromstring(text.encode())
    _junit_schema().validate(text)
    for suite in (root, *root):
        cases = list(suite.iter("testcase"))
        assert cases or suite is root
        assert int(suite.get("tests", "-1")) == len(cases)
        for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            if key in suite.attrib:
                assert int(suite.get(key, "-1")) == sum(case.find(tag) is not None for case in cases)
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    return [part for element in root.iter() for part in (*element.attrib.values(), element.text or "")]


def elements(html: str) -> set[tuple[str, tuple[str, ...]]]:
    """The tags of a document with the names of their attributes."""
    document = html5lib.parse(html, namespaceHTMLElements=False)
    return {(str(element.tag), tuple(sorted(element.attrib))) for element in document.iter()}


_WRITTEN = {
    ("html", ()), ("head", ()), ("body", ()), ("h1", ()), ("h2", ()), ("ul", ()), ("li", ()), ("p", ()),
    ("strong", ()), ("code", ()), ("a", ("href",)), ("details", ()), ("summary", ()),
    ("table", ()), ("thead", ()), ("tbody", ()), ("tr", ()), ("th", ()), ("td", ()),
    ("th", ("style",)), ("td", ("style",)),
}  # fmt: skip


def read_markdown(text: str) -> list[str]:
    """The texts of each block as GitHub shows them, with no element but those that the report writes itself."""
    assert all(line.isprintable() for line in text.split("\n"))
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert elements(html) <= _WRITTEN, elements(html) - _WRITTEN
    found = []
    document = html5lib.parse(html, namespaceHTMLElements=False)
    for element in document.iter():
        if element.tag == "a":
            assert element.get("href").startswith("https://")
        for part, holder in ((element.text, element.tag), (element.tail, "")):
            assert holder in ("a", "code") or not _ACTIVE.search(part or ""), part
        if element.tag in ("li", "p", "td", "th", "summary", "h1", "h2"):
            found.append("".join(element.itertext()))
    return found


def read_html(text: str) -> list[str]:
    """The texts of the document."""
    document = html5lib.parse(text, namespaceHTMLElements=False)
    return [part for element in document.iter() for part in (*element.attrib.values(), "".join(element.itertext()))]


def read_jsonl(text: str) -> list[str]:
    """The texts of the JSON report in each line."""
    assert text == "" or text.endswith("\n")
    return [part for line in text.splitlines() for part in read_json(line)]


READERS: dict[str, Callable[[str], list[str]]] = {
    "text": read_text,
    "concise": read_text,
    "statistics": read_text,
    "json": read_json,
    "jsonl": read_jsonl,
    "sarif": read_sarif,
    "junit": read_junit,
    "markdown": read_markdown,
    "gitlab": read_json,
    "html": read_html,
}

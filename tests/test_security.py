"""The minimum versions in SECURITY.md are those that an installation asks for, and those that are here."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def listed() -> dict[str, str]:
    table = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## Minimum versions")[2].partition("## ")[0]
    return dict(re.findall(r"^\| ([A-Za-z][\w-]*) \| ([0-9.]+) \|", table, re.MULTILINE))


def required() -> dict[str, set[str]]:
    """Package -> every lower bound that `setup.cfg` names, of the package and of its extras."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    lists = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    found: dict[str, set[str]] = {}
    for line in "\n".join(lists).splitlines():
        if match := re.match(r"([\w-]+)>=([0-9.]+)", line.strip()):
            found.setdefault(match[1], set()).add(match[2])
    return found


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))[:3]


def test_there_is_a_table() -> None:
    assert {"onnx", "protobuf", "PyYAML", "Jinja2"} <= listed().keys()


@pytest.mark.parametrize("package", listed())
def test_an_installation_asks_for_it(package: str) -> None:
    assert required()[package] == {listed()[package]}


@pytest.mark.parametrize("package", listed())
def test_what_is_installed_here_is_not_older(package: str) -> None:
    try:
        here = version(package)
    except PackageNotFoundError:
        pytest.skip("an extra that is not installed")
    assert numbers(here) >= numbers(listed()[package])

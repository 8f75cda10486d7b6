"""Rows 34 to 36: operator sets, versions of the format, and operators of other domains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from recipes.case import BY_THE_RULES, NEVER_A_PASS, UNREADABLE, Case, changed

_OPSETS: dict[str, tuple[tuple[str, int], ...]] = {
    "none": (),
    "two versions": (("", 17), ("", 11)),
    "negative": (("", -1),),
    "zero": (("", 0),),
    "99999": (("", 99999),),
    "largest": (("", 2**63 - 1),),
    "two spellings": (("", 17), ("ai.onnx", 11)),
    "of another domain only": (("com.x", 1),),
}


def cases() -> Iterator[Case]:
    """Every sub-case."""
    opsets = {name: partial(_import, pairs) for name, pairs in _OPSETS.items()}
    yield from changed(34, opsets, NEVER_A_PASS, "SC-(MODEL|AMB)-OPSET")
    versions: dict[str, Callable[[Any], object]] = {
        **{f"{version}": partial(_version, version) for version in (0, -1, 2**63 - 1, -(2**63))},
        "none": lambda model: model.ClearField("ir_version"),
    }
    yield from changed(35, versions, UNREADABLE, "SC-MODEL-IR")
    yield from changed(35, {"3, in which every initializer is an input": partial(_version, 3)}, BY_THE_RULES)
    domains = {
        "with import": partial(_move, "com.x", True),
        "without import": partial(_move, "com.x", False),
        **{
            f"domain {domain!r}": partial(_move, domain, True)
            for domain in ("ai.onnx.ml", "AI.ONNX", " ", "ai.onnx ", "trt.plugins")
        },
    }
    yield from changed(36, domains, NEVER_A_PASS)


def _import(pairs: tuple[tuple[str, int], ...], model: Any) -> None:
    del model.opset_import[:]
    for domain, version in pairs:
        model.opset_import.add(domain=domain, version=version)


def _version(version: int, model: Any) -> None:
    model.ir_version = version


def _move(domain: str, imported: bool, model: Any) -> None:
    model.graph.node[0].domain = domain
    if imported:
        model.opset_import.add(domain=domain, version=1)

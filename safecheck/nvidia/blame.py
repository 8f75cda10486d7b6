"""Map an error of the builder to the ONNX node it speaks of, and to our rules that do not allow that node.

The parser names a layer after its node (`name`, `name_12` where names repeat), or after the first output of a node
without a name (`node_of_out`); fused layers join the names of their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from safecheck.audit.audit import Audit, Audited
from safecheck.audit.evidence import Refusal
from safecheck.finding import Finding
from safecheck.nvidia.log import LogError
from safecheck.text import printable

_KIND = re.compile(r"\A\(Unnamed Layer\* [0-9]{1,9}\)(?:_[0-9]{1,9})? \[(?P<kind>[\w ]{1,60})\]\Z")
_TYPED = re.compile(r"\A(?P<name>.*) \[[\w ]{1,60}\]\Z")
_NUMBERED = re.compile(r"\A(?P<name>.*)_[0-9]{1,9}\Z")
_TEXT = 1000


def refusals(errors: Iterable[LogError], audit: Audit | None) -> tuple[Refusal, ...]:
    """Every error with node and rules, as far as they are known."""
    found = []
    for error in errors:
        node, rules = _place(error, audit) if audit is not None else (None, ())
        location = node.location if node is not None else None
        found.append(Refusal(printable(error.layer, _TEXT), printable(error.text, _TEXT), location, rules))
    return tuple(found)


def _place(error: LogError, audit: Audit) -> tuple[Audited | None, tuple[str, ...]]:
    node = _by_index(error, audit) if error.index is not None else None
    if node is None:
        for name in names(error.layer):
            node = _by_name(name, audit)
            if node is not None:
                break
    if node is not None:
        place = (node.location.scope, node.location.index)
        return node, _rules(
            finding for finding in audit.findings if (finding.location.scope, finding.location.index) == place
        )
    kind = _KIND.match(error.layer)
    if kind is None:
        return None, ()
    # A layer without a name tells its type only; several nodes may make such a layer.
    type_ = f"I{kind['kind'].replace(' ', '')}Layer".casefold()
    makers = [node for node in audit.nodes if any(_type(layer) == type_ for layer in node.layers)]
    rules = _rules(finding for finding in audit.findings if any(_type(layer) == type_ for layer in finding.layers))
    return (makers[0] if len(makers) == 1 else None), rules


def _type(layer: str) -> str:
    return layer.partition(":")[0].casefold()


def _rules(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.rule for finding in findings))


def _by_index(error: LogError, audit: Audit) -> Audited | None:
    for node in audit.nodes:
        if node.location.scope == "" and node.location.index == error.index:
            named = {node.location.node, f"node_of_{node.location.outputs[0]}" if node.location.outputs else ""}
            known = not error.layer or error.layer in named or error.layer in node.location.outputs
            return node if known else None  # the numbers of another model would mislead
    return None


def _by_name(name: str, audit: Audit) -> Audited | None:
    """The only node of that name, or the one that computes a value of that name."""
    named = [node for node in audit.nodes if node.location.node == name]
    if len(named) == 1:
        return named[0]
    if named:
        return None
    value = name.removeprefix("node_of_")
    makers = [node for node in audit.nodes if value in node.location.outputs]
    return makers[0] if len(makers) == 1 else None


def names(layer: str) -> Iterator[str]:
    """Node names that a layer name can stand for, the most literal first."""
    if not layer:
        return
    yield layer
    if (typed := _TYPED.match(layer)) is not None:
        layer = typed["name"]
        yield layer
    if (number := _NUMBERED.match(layer)) is not None:
        yield number["name"]
    inner = re.sub(r"\A(?:\{?ForeignNode\[|PWN\()|[\])}]+\Z", "", layer)
    for part in re.split(r" \+ |\.\.\.|, ", inner):
        if part and part != layer:
            yield part.strip()

"""The lowering tables of TensorRT 8.6 and 8.5 against what the parsers of 8.6.0 and 8.5.3.1 made of ONNX's node models.

`answers86.json.gz` holds the answers of the unmodified libraries (libnvonnxparser.so.8, sha256 b6a2091e...552d and
7d073f36...8384), run on a CPU over an INetworkDefinition that records; how, says `parser-8.6-measured` in
`rules/sources.yaml`. Compared are, as with the parser of 10.x, the types and kinds of layers and their number.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rulebook.lowering import oracle

TABLES = ("onnx-tensorrt-8.6", "onnx-tensorrt-8.5")
# Operator: how many cases differ, and why.
DIFFERENCES = (
    {
        "GridSample": (8, "5-D: the importer does not look, the network takes 4-D data only (header)"),
        "InstanceNormalization": (4, "8.6.0 makes a normalisation layer; 8.6-GA, which the table is of, a plugin"),
        "Resize": (
            2,
            "scales for some axes: no fact compares their number; mistranslation-resize-options forbids them",
        ),
        "TopK": (2, "one dimension and a K that is a network input: its shape is asked for as well"),
    },
    {
        "GridSample": (8, "as in 8.6"),
        "InstanceNormalization": (2, "the plugin of 8.5.3.1 needs a library that was not there"),
        "LSTM": (2, "peepholes: more constants pass a reshape"),
        "OneHot": (5, "a depth of run time is refused; the table draws the layers, which are refused by name anyway"),
        "QuantizeLinear": (1, "UINT8: the zero point passes, the type of the result is no type of the table"),
        "ReduceL2": (4, "to a scalar: the unary layer is wrapped; the table draws none in between"),
        "ReduceLogSumExp": (4, "as ReduceL2"),
        "Resize": (2, "as in 8.6"),
        "ReverseSequence": (2, "lengths of run time are accepted; the table refuses them"),
    },
)
EVERY = 8  # of the cases are compared in the quick run


@cache
def recorded() -> dict[str, Any]:
    return json.loads(gzip.decompress((Path(__file__).parent / "answers86.json.gz").read_bytes()))


def answers(number: int) -> dict[str, oracle.Labels | str]:
    """What a parser made of each model: its layers, or the words of its refusal."""
    texts = [_read(text) for text in recorded()["strings"]]
    return {name: texts[given[number]] for name, given in recorded()["cases"].items()}


def _read(text: str) -> oracle.Labels | str:
    if text.startswith("! "):
        return text[2:]
    found: Counter[str] = Counter()
    for part in text.split():
        label, _, count = part.partition("*")
        found[label] += int(count or 1)
    return found


def differing(number: int, step: int = 1) -> Iterator[tuple[oracle.Case, str, str]]:
    """Cases in which the table says something else, with both sides."""
    known, made = oracle.table(TABLES[number]), answers(number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        for case in islice(oracle.cases(), 0, None, step):
            path.write_bytes(case.model.SerializeToString())
            candidates = oracle.expectation(known, str(path))
            actual = made[case.name]
            cut = "..." in actual  # a recurrence makes more layers than were kept
            if not cut and not any(candidate.admits(actual) for candidate in candidates):
                yield case, " | ".join(map(str, candidates)), str(actual)


def test_there_is_an_answer_about_every_model() -> None:
    assert set(recorded()["cases"]) == {case.name for case in oracle.cases()}
    assert recorded()["parsers"] == ["8.6.0", "8.5.3.1"]


@pytest.mark.parametrize("number", range(len(TABLES)), ids=TABLES)
@pytest.mark.parametrize("step", [EVERY, pytest.param(1, marks=pytest.mark.slow)])
def test_the_table_says_what_the_parser_did(number: int, step: int) -> None:
    found = list(differing(number, step))
    counts = Counter(case.op_type for case, _, _ in found)
    known = {operator: count for operator, (count, _) in DIFFERENCES[number].items()}
    shown = [f"{case.name}: table {ours}; parser {theirs}" for case, ours, theirs in found if case.op_type not in known]
    assert shown == []
    assert dict(counts) == known if step == 1 else counts <= Counter(known)

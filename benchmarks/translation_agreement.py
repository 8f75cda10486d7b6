"""How often the network that NVIDIA's parser makes computes the same as the file, family by family.

    pip install -e '.[test,oracle]'
    python benchmarks/translation_agreement.py [--family NAME]... [--variants N] [--first N] [--list STATUS]
        [--page FILE]

Both are run on seeded inputs, by the documented meaning of the vendor's layers and by onnxruntime. Nothing is built,
and no GPU is needed. `--page docs/translation.md` writes what was compared, every kind of difference with our rule, and
what was not raised. It ends with code 1 if the audit calls a model compliant that the parser reads otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "oracle"), str(ROOT / "tests")]

from agreement import corpus_cases  # noqa: E402
from scope_models import cases as scope_cases  # noqa: E402
from scope_models import random_model  # noqa: E402
from translation import Describer, Result, compared  # noqa: E402
from translation_models import variants  # noqa: E402

from safecheck.rulebook.cases import cases as rule_cases  # noqa: E402
from safecheck.rulebook.load import profile  # noqa: E402
from safecheck.usecases.audit import audit_model  # noqa: E402

PROFILE = "tensorrt-10-safety"
STATES = ("same", "different", "undecided", "refused")
CORPUS = ROOT / "tests" / "corpus" / "data"
Inputs = dict[str, np.ndarray]


class Model(NamedTuple):
    """A model to compare."""

    name: str
    content: bytes
    given: tuple[Inputs, ...] = ()
    """Inputs that come with it."""


def node_models(_: argparse.Namespace) -> Iterator[Model]:
    """ONNX's own node models, with their data."""
    from onnx.backend.test.loader import load_model_tests

    for case in load_model_tests(kind="node"):
        assert case.model is not None
        names = [value.name for value in case.model.graph.input]
        given = [
            dict(zip(names, map(np.asarray, inputs), strict=False)) for inputs, _ in _tensors(case.data_sets or ())
        ]
        yield Model(case.name, case.model.SerializeToString(), tuple(given))


def _tensors(sets: object) -> list[tuple[list[np.ndarray], object]]:
    """Of the data sets those that hold nothing but tensors."""
    found = list(sets)  # type: ignore[call-overload]
    return [pair for pair in found if all(isinstance(part, (np.ndarray, np.generic)) for part in pair[0])]


def rules(_: argparse.Namespace) -> Iterator[Model]:
    """The models of the rule cases for TensorRT 10 on a GPU."""
    for case in rule_cases():
        if case.profile.partition("@")[0] == PROFILE:
            model = onnx.load_model_from_string(case.proto().SerializeToString())  # with outputs without a type
            yield Model(f"{case.file}: {case.name}", filled(onnx.shape_inference.infer_shapes(model)))


def scope(_: argparse.Namespace) -> Iterator[Model]:
    """The networks that the scope check is asked about."""
    for case in scope_cases():
        yield Model(case.name, filled(onnx.load_model_from_string(case.model)))


def networks(options: argparse.Namespace) -> Iterator[Model]:
    """Random networks of ten layers."""
    for seed in range(options.first, options.first + options.variants):
        yield Model(str(seed), filled(onnx.load_model_from_string(random_model(seed, 10))))


def operators(options: argparse.Namespace) -> Iterator[Model]:
    """Random models of one operator."""
    for name, content in variants(options.variants, options.first):
        yield Model(name, content)


def rotations(_: argparse.Namespace) -> Iterator[Model]:
    """Fragments that PyTorch's exporters make of rotations."""
    with zipfile.ZipFile(CORPUS / "rotations.zip") as archive:
        for name in sorted(archive.namelist()):
            yield Model(name, archive.read(name))


def corpus(_: argparse.Namespace) -> Iterator[Model]:
    """Exports of whole networks."""
    for case in corpus_cases(CORPUS):
        yield Model(case.name, filled(onnx.load_model_from_string(case.model)))


FAMILIES: dict[str, Callable[[argparse.Namespace], Iterator[Model]]] = {
    "onnx node models": node_models,
    "rule cases": rules,
    "scope check": scope,
    "one operator": operators,
    "ten layers": networks,
    "rotations": rotations,
    "corpus": corpus,
}


def filled(model: onnx.ModelProto) -> bytes:
    """A model whose weights of nothing but zeros are others: with zeros, much computes the same."""
    rng = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
            value = numpy_helper.to_array(tensor)
            if value.size and not value.any():
                drawn = rng.uniform(0.5, 1.5, value.shape) / max(1, np.prod(value.shape[1:])) ** 0.5
                tensor.CopyFrom(numpy_helper.from_array(drawn.astype(value.dtype), tensor.name))
    return bytes(model.SerializeToString())


class Difference(NamedTuple):
    """A difference with what the audit says of the model."""

    family: str
    model: str
    operator: str
    layer: str
    sample: str
    file: str
    network: str
    verdict: str
    rules: tuple[str, ...]


def audited(model: Model, family: str, result: Result, folder: str) -> Iterator[Difference]:
    """The differences of a model, each with its operator, and with the rules that speak of its node."""
    path = Path(folder) / "audited.onnx"
    path.write_bytes(model.content)
    report = audit_model(str(path), profile(PROFILE))
    findings = report.audit.findings if report.audit is not None else ()
    writers = {name: node for node in onnx.load_model_from_string(model.content).graph.node for name in node.output}
    for tensor, sample, file, network, layer in result.differences:
        named = tuple(dict.fromkeys(one.rule for one in findings if tensor in one.location.outputs))
        operator = writers[tensor].op_type if tensor in writers else "?"
        verdict = str(report.verdict) if report.error is None else "unreadable"
        yield Difference(family, model.name, operator, layer.split()[0], sample, file, network, verdict, named)


def page(
    counts: dict[str, Counter[str]], differences: list[Difference], missing: Counter[tuple[str, str]], about: str
) -> str:
    """The text of the page."""
    lines = [
        HEAD.format(about=about),
        "| models | compared | " + " | ".join(STATES) + " |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for family, count in counts.items():
        rest = " | ".join(f"{count[state]:,}" for state in STATES)
        lines.append(f"| {family} | {count['same'] + count['different']:,} | {rest} |")
    lines += [
        "",
        DIFFERENT,
        "| operator | layer | models | what, in one of them | our rules |",
        "|---|---|--:|---|---|",
    ]
    kinds: dict[tuple[str, str, tuple[str, ...]], list[Difference]] = defaultdict(list)
    for one in differences:
        kinds[one.operator, one.layer, one.rules].append(one)
    for (operator, layer, named), found in sorted(kinds.items()):
        one = found[0]
        what = f"{one.model}: file {one.file}, network {one.network}, on {one.sample} inputs".replace("|", "/")
        ruled = ", ".join(f"`{rule}`" for rule in named) or f"**none** ({one.verdict})"
        lines.append(f"| {operator} | {layer} | {len({part.model for part in found})} | {what} | {ruled} |")
    lines += ["", MISSING, "| layer | models | why |", "|---|--:|---|"]
    lines += [f"| {kind} | {count} | {why} |" for (kind, why), count in sorted(missing.items())]
    return "\n".join(lines) + "\n"


HEAD = """\
# Does the vendor's network compute the same?

`safecheck audit --confirm` runs the network that the vendor's parser makes beside the file ([how](confirm.md)). This
page is what came of it for many models: it is how misreadings are found instead of collected.

{about} `python benchmarks/translation_agreement.py --page docs/translation.md` asks anew.
"""
DIFFERENT = """\
## What differs

Each row is a kind: an operator, the layer that writes the tensor, and the rules of `tensorrt-10-safety` that speak of
the node. A row without a rule is a false pass, or a model that the audit leaves undecided.
"""
MISSING = """\
## What was not raised

Nothing is decided about a model with such a layer. Numbers stand for themselves: `N`.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="append", choices=FAMILIES, help="only these; may be repeated")
    parser.add_argument("--variants", type=int, default=100, help="random models of each kind")
    parser.add_argument("--first", type=int, default=0, help="first seed of the random models")
    parser.add_argument("--list", choices=STATES, help="print these models")
    parser.add_argument("--page", type=Path, help="write the page of the documentation")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    counts: dict[str, Counter[str]] = {}
    differences: list[Difference] = []
    missing: Counter[tuple[str, str]] = Counter()
    start, describer = time.perf_counter(), Describer()
    with tempfile.TemporaryDirectory() as folder:
        for family in options.family or FAMILIES:
            counts[family] = Counter()
            for model in FAMILIES[family](options):
                result = compared(describer, model.content, model.given)
                counts[family][result.status] += 1
                if result.status == "different":
                    differences += audited(model, family, result, folder)
                if result.status == "undecided":
                    missing.update({_why(*part) for part in result.missing or (("-", result.reason),)})
                if result.status == options.list:
                    print(family, model.name, result, flush=True)
            print(f"{family:20}", dict(counts[family]), flush=True)
            about = f"{sum(map(Counter.total, counts.values())):,} models with the parser of tensorrt-rtx 1.4.0.76."
            if options.page:  # after each family: a run that is ended leaves a page of what it had
                options.page.write_text(page(counts, differences, missing, about), encoding="utf-8")
    describer.close()
    missed = [one for one in differences if one.verdict == "compliant"]
    for one in missed:
        print("compliant, but read otherwise:", one)
    print(f"{about} {len(differences)} differences, {time.perf_counter() - start:.0f} s")
    return 1 if missed else 0


def _why(kind: str, reason: str) -> tuple[str, str]:
    """Kind and reason without the numbers in it, which are those of one model."""
    words = [word if not any(map(str.isdigit, word)) else "N" for word in reason.replace("|", "/").split()]
    return kind, " ".join(words)[:120]


if __name__ == "__main__":
    sys.exit(main())

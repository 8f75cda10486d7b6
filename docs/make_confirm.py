"""Write `docs/confirm.md`: what the vendor's own check says about small models and networks, beside our verdict.

It needs the extra `oracle`, and asks anew. Do not edit the page by hand; the cost comes from
`benchmarks/results/confirm_cost.json`, which `benchmarks/confirm_cost.py` writes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from safecheck.audit.report import Report
from safecheck.rulebook.cases import model_from_text
from safecheck.rulebook.load import profile
from safecheck.usecases.audit import audit_model, confirm_report

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

from agreement import filled  # noqa: E402

PAGE = ROOT / "docs" / "confirm.md"
COST = ROOT / "benchmarks" / "results" / "confirm_cost.json"
NETWORKS = ROOT / "tests" / "corpus" / "data"
PROFILE = "tensorrt-10-safety"
AXES = "s = Constant<value_ints=[0]>() e = Constant<value_ints=[2]>()"
SIZES = "s = Constant<value_ints=[1,4,88,88]>()"
# What the page calls it, the output of an image of 44 x 44 pixels with four channels, and the nodes between the two.
SMALL = (
    ("local response normalization", "1,4,44,44", "y = LRN<size=5>(x)"),
    ("reversed sequences", "1,4,44,44", "[n] y = ReverseSequence<time_axis=1, batch_axis=0>(x, lengths)"),
    ("convolution, 18 x 18 kernel", "1,2,27,27", "y = Conv<kernel_shape=[18,18]>(x, w18)"),
    ("convolution, 19 x 19 kernel", "1,2,26,26", "y = Conv<kernel_shape=[19,19]>(x, w19)"),
    ("average pooling, stride 6", "1,4,7,7", "y = AveragePool<kernel_shape=[7,7], strides=[6,6]>(x)"),
    ("average pooling, stride 7", "1,4,6,6", "y = AveragePool<kernel_shape=[7,7], strides=[7,7]>(x)"),
    ("global average pooling", "1,4,1,1", "y = GlobalAveragePool(x)"),
    ("mean reduction", "1,4,1,1", "y = ReduceMean<axes=[2,3]>(x)"),
    ("linear resize by sizes", "1,4,88,88", f'{SIZES} y = Resize<mode="linear">(x, , , s)'),
    ("cubic resize by sizes", "1,4,88,88", f'{SIZES} y = Resize<mode="cubic">(x, , , s)'),
    ("slice along a constant axis", "1,4,44,44", f"{AXES} y = Slice(x, s, e, s)"),
    ("slice along a computed axis (six inputs)", "1,4,44,44", f"{AXES} a = Add(s, s) y = Slice(x, s, e, a)"),
    ("an operator that the parser refuses", "1,4", "y = Det(x)"),
)
WEIGHTS = {"lengths": "int64[1]", "w18": "float[2,4,18,18]", "w19": "float[2,4,19,19]"}
OTHER = (
    ("BF16", "(bfloat16[1,4,8,8] x) => (bfloat16[1,4,8,8] y) { y = Relu(x) }"),
    ("a dynamic batch", "(float[N,4,8,8] x) => (float[N,4,8,8] y) { y = Relu(x) }"),
    ("a dynamic batch and a refused layer", "(float[N,4,8,8] x) => (float[N,4,8,8] y) { y = LRN<size=5>(x) }"),
    ("a data-dependent shape", "(float[4,8] x) => (int64[2,N] y) { y = NonZero(x) }"),
)


def small() -> Iterator[tuple[str, bytes]]:
    """The small models by name."""
    for name, shape, nodes in SMALL:
        result = f"float[{shape}] y" if shape else "y"
        weights = {name: type_ for name, type_ in WEIGHTS.items() if name in nodes}
        model = model_from_text(f"(float[1,4,44,44] x) => ({result}) {{ {nodes} }}", 17, weights)
        yield name, model.SerializeToString()
    for name, text in OTHER:
        yield name, model_from_text(text).SerializeToString()


def networks() -> Iterator[tuple[str, bytes]]:
    """Exports of whole networks, their weights replaced by zeros."""
    for packed in sorted(NETWORKS.glob("*.onnx.gz")):
        yield packed.name.removesuffix(".onnx.gz").replace("__", ", "), filled(packed)


def rows(models: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Report]]:
    """Every model with its report, asked now."""
    book = profile(PROFILE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        for name, model in models:
            file.write_bytes(model)
            yield name, confirm_report(audit_model(str(file), book))


def page(found: list[tuple[str, Report]]) -> str:
    """The text of the page."""
    confirmation = found[0][1].confirmation
    assert confirmation is not None
    lines = [
        HEAD.format(
            package=confirmation.package,
            version=confirmation.version,
            library=confirmation.library_sha256,
            found="\n".join(_found()),
        ),
        *TABLE,
        *(_row(name, report) for name, report in found),
        "",
        *_cost(json.loads(COST.read_text(encoding="utf-8"))),
    ]
    return "\n".join(lines) + "\n"


def _found() -> Iterator[str]:
    """A table of what the comparison says of small models."""
    yield "| node | network beside the file | file | network | layer |"
    yield "|---|---|---|---|---|"
    for name, opset, shape, nodes in FOUND:
        model = model_from_text(f"(float[1,4,4,4] x) => (float[{shape}] y) {{ {nodes} }}", opset)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            file.write_bytes(model.SerializeToString())
            answer = confirm_report(audit_model(str(file), profile(PROFILE))).confirmation
        assert answer is not None
        assert answer.translation is not None
        found = answer.translation
        facts = [(one.file, one.network, one.parameters) for one in found.differences] or [("", "", "")]
        yield f"| {name} | {found.status.value} | {' | '.join(facts[0])} |"


def _row(name: str, report: Report) -> str:
    confirmation = report.confirmation
    assert confirmation is not None
    answer = {True: "in scope", False: "refused", None: "not checked"}[confirmation.in_scope]
    refusals = confirmation.refusals
    words = "; ".join(dict.fromkeys(refusal.limit for refusal in refusals)) or confirmation.reason
    rules = ", ".join(dict.fromkeys(f"`{rule}`" for refusal in refusals for rule in refusal.rules))
    if len(refusals) > 1:
        answer += f", {len(refusals)} places"
    assert report.audit is not None
    return f"| {name} | {report.audit.verdict} | {answer} | {words.replace('|', '/')} | {rules} | {report.verdict} |"


def _cost(cost: dict[str, Any]) -> Iterator[str]:
    yield "## What it costs"
    yield ""
    yield f"Measured with `benchmarks/confirm_cost.py` on {cost['date']}: {cost['machine']}, {cost['versions']},"
    yield f"the median of {cost['runs']} runs; memory is that of the largest process, in units of 10^6 bytes. The"
    yield "limits are 5 s and 1,500 MB."
    yield ""
    yield "| network | file | audit alone | with `--confirm` | peak memory |"
    yield "|---|---|---|---|---|"
    for row in cost["networks"]:
        yield (
            f"| {row['name']} | {row['size_mb']:.0f} MB | {row['audit_s']:.2f} s | {row['confirm_s']:.2f} s | "
            f"{row['peak_mb']:.0f} MB |"
        )


HEAD = """\
# The vendor's own check

`safecheck audit MODEL --profile tensorrt-10-safety --confirm` asks the vendor's scope check about the file as well. It
needs no GPU and no CUDA, only the optional extra (Linux on x86-64; the packages are proprietary and come from the
package index):

```
pip install '.[oracle]'    # in a checkout
```

What answers is the safety-scope check of a late TensorRT 10.x as it is shipped in `{package}` {version} (library
SHA-256 `{library}`). Later versions of the package accept the flag and ignore it, so no other version is asked, and no
profile but one for TensorRT 10.x on a GPU. The answer is held beside the audit:

- A refusal makes the model non-compliant. It is shown with our node and our rule. Where this audit allows what the
  vendor refuses, that disagreement is the loudest line of the report. A refusal at a node whose findings all have
  valid deviations changes nothing.
- A pass never improves a verdict. The check knows nothing of operators that a parser mistranslates.
- A model that the vendor's parser refuses is never built: it is non-compliant, and the report says `parsed: false` and
  names the node. What this package alone lacks (it has no plugins: operators without an importer, reductions of
  scatters) refuses nothing.
- *Not checked* is never a pass: the check skips every network with a dynamic or data-dependent shape and then answers
  yes. An invalid network, a crash, an answer that cannot be read or none within two minutes end the same way: the model
  is inconclusive, and the report says why.
- The check runs in a process of its own, with limits of time, memory and output. The model is hashed again after it
  was asked: if it changed in between, nothing was checked.

`--show-layers` adds the layers as the vendor's parser made them beside those that the profile's lowering expects.

## Does it compute the same?

A parser can accept a node and make layers of it that compute something else. So `--confirm` asks a second question. The
network that the vendor's parser made is described with every parameter and weight, and run beside the file:

- Each kind of layer has its documented meaning (the comments of NvInfer.h and the Python API) as a small function in
  `safecheck/nvidia/translation/layers`; the file's own values are those of onnxruntime, or of ONNX's reference where
  onnxruntime cannot load the file.
- Both get the same seeded inputs: normal, below one, above one, small whole numbers, large and close to each other (at
  which an exponential overflows), their negatives, zeros. A network of more than 20 million elements gets the first.
- Wherever a layer writes a tensor that the file has too, the two are compared, and the layers behind it get the file's
  value. So a difference is that of one node, nothing adds up, and everything behind it is compared as well. FP32 may
  differ by 1e-5 of a value and 5e-6 of the largest, FP16 by 8e-3; integers must be equal. Where the file computes NaN,
  nothing is asked.
- A **difference** makes the model non-compliant, unless valid deviations cover every finding of its node. The report
  shows the node, the layer with its parameters, and both values. Where ONNX's reference takes the network's side
  against onnxruntime, there is no difference, and the tensor is listed as doubted.
- **Not decided** is never *the same*: a layer without a documented meaning (random numbers, writes to one place,
  a resize whose scale misses a whole length, and kinds that are not known here), an output that could not be compared,
  inputs on which the file does not run. It leaves the verdict to the audit and the scope check.
- It runs in a process of its own, within two minutes, and 8 GB of address space beside twelve times the size of the
  model.

What it cannot see: what the builder makes of the layers (kernels, precision, and fusions but for that of a softmax with
its logarithm, which counts as one layer), and what a value beyond the samples would show. What came of it for thousands
of models: [translation](translation.md).

{found}

## What it says

The page is generated by `python docs/make_confirm.py`, which asks the check anew. The networks are exports with their
weights replaced by zeros; the check looks at no weight.
"""
ONES = "s = Constant<value = float[4] {1.0, 1.0, 1.0, 1.0}>()"
FOUND = (
    ("GroupNormalization with one group", 21, "1,4,4,4", f"{ONES} y = GroupNormalization<num_groups=1>(x, s, s)"),
    ("GroupNormalization with two groups", 21, "1,4,4,4", f"{ONES} y = GroupNormalization<num_groups=2>(x, s, s)"),
    (
        "MaxPool whose last window would start beyond the image", 17, "1,4,2,2",
        "y = MaxPool<kernel_shape=[1,1], strides=[2,2], ceil_mode=1>(x)",
    ),
    ("Selu with the constants of ONNX", 17, "1,4,4,4", "y = Selu(x)"),
    ("ReduceLogSumExp", 17, "1,1,4,4", "y = ReduceLogSumExp<axes=[1]>(x)"),
    ("Trilu without attributes", 17, "1,4,4,4", "y = Trilu(x)"),
    ("Gelu", 20, "1,4,4,4", "y = Gelu(x)"),
)  # fmt: skip
"""Nodes on an image of 4 x 4 pixels with four channels, without and with a difference."""
TABLE = (
    "| model | audit alone | vendor's check | its words | our rule | report |",
    "|---|---|---|---|---|---|",
)


if __name__ == "__main__":
    PAGE.write_text(page(list(rows((*small(), *networks())))), encoding="utf-8")

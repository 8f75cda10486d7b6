"""Whole networks: what `fix` leaves of them, and that they still compute the same."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from safecheck.rulebook.load import profile, shipped
from safecheck.usecases.fix import Fixed, Request, fix

DATA = Path(__file__).parents[1] / "corpus" / "data"


def filled(name: str, folder: Path) -> Path:
    """An export of the corpus with seeded weights in place of those that were stripped."""
    model = onnx.load_model_from_string(gzip.decompress((DATA / f"{name}.onnx.gz").read_bytes()))
    random = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        if tensor.doc_string == "stripped":
            values = random.standard_normal(tuple(tensor.dims), dtype=np.float32) * np.float32(0.02)
            if "var" in tensor.name or (len(tensor.dims) == 1 and "weight" in tensor.name):
                values += 1
            tensor.raw_data = values.astype(np.float32).tobytes()
            tensor.ClearField("doc_string")
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path


def fixed_network(name: str, folder: Path, target: str = "tensorrt-8.6-restricted") -> Fixed:
    result = fix(str(filled(name, folder)), str(folder / "fixed.onnx"), profile(target), Request())
    onnx.checker.check_model(str(folder / "fixed.onnx"), full_check=True)
    assert result.whole is not None
    assert result.whole.ran
    return result


@pytest.mark.slow
@pytest.mark.parametrize("export", ["legacy13", "legacy17", "dynamo18", "dynamo20"])
def test_csa_with_sizes_and_mean_becomes_compliant(export: str, tmp_path: Path) -> None:
    result = fixed_network(f"csa_tiny_sizes_mean__{export}", tmp_path)
    assert result.after is not None
    assert str(result.after.verdict) == "compliant"
    assert result.whole is not None
    assert result.whole.total.max_rel <= 1e-5
    names = Counter(step.name for step in result.applied)
    assert (names["resize-sizes-to-scales"], names["reduce-mean-to-average-pool"]) == (14, 1)


@pytest.mark.slow
def test_csa_becomes_compliant_under_the_10_scope(tmp_path: Path) -> None:
    result = fixed_network("csa_tiny__dynamo20", tmp_path, "tensorrt-10-safety")
    assert result.after is not None
    assert str(result.after.verdict) == "compliant"
    assert len(result.applied) == 1  # the stride of a window that is applied once, which is 7


@pytest.mark.slow
@pytest.mark.parametrize("export", ["legacy13", "dynamo20"])
def test_convnext_becomes_compliant(export: str, tmp_path: Path) -> None:
    result = fixed_network(f"convnext_tiny__{export}", tmp_path)
    assert str(result.after.verdict) == "compliant"
    assert result.left == ()
    assert result.whole is not None
    assert result.whole.holds
    assert result.whole.total.max_rel <= 1e-4
    normalised = [step for step in result.applied if step.name == "normalization-to-newton"]
    assert len(normalised) == 23
    for step in normalised:
        assert step.proof is not None
        assert [limits.low_source for limits in step.proof.ranges] == ["derived"]
        assert step.proof.half is not None
        assert step.proof.half.mixed is not None


@pytest.mark.slow
@pytest.mark.parametrize(("network", "blocks"), [("swin_tiny", 12), ("cvt_13", 13)])
def test_attention_becomes_compliant(network: str, blocks: int, tmp_path: Path) -> None:
    result = fixed_network(f"{network}__dynamo20", tmp_path)
    assert str(result.after.verdict) == "compliant"
    assert result.left == ()
    assert result.whole is not None
    assert result.whole.holds
    names = Counter(step.name for step in result.applied)
    assert (names["softmax-to-convolution"], names["activation-product-to-convolution"]) == (blocks, 2 * blocks)


def test_every_remedy_that_a_rule_names_is_carried_out_by_something() -> None:
    from safecheck.rewrite.canonicalize.run import KINDS
    from safecheck.rewrite.rules import REWRITES

    named = {remedy for name in shipped() for rule in profile(name).rules for remedy in rule.remedies}
    done = {name for part in (*KINDS, *REWRITES) for name in (part.name, *part.remedies)}
    by_operator = {remedy for name in shipped() for part in profile(name).remedies.values() for remedy in part}
    assert by_operator <= done
    # Two are options and steps of `fix` itself, one stands for those of the operator.
    assert named <= done | {"fix-batch", "inline-functions", "of-operator"}

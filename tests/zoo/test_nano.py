"""The miniature: everything the zoo promises, on a network that exports in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from zoo.reference import answers, settled

from safecheck.errors import InputError, UsageError
from safecheck.finding import Verdict
from safecheck.rulebook.load import DEFAULT, profile
from safecheck.usecases.audit import audit_model
from safecheck.usecases.python import fix_model
from safecheck.zoo.build import Order, build
from safecheck.zoo.export import to_onnx

torch = pytest.importorskip("torch", reason="torch is not installed")
ort = pytest.importorskip("onnxruntime")

NANO = Order("csa-nano")
SHAPE = (1, 3, 64, 64)
REFUSED = ("reduce-mean", "resize-sizes")


@pytest.fixture(scope="module")
def network() -> Any:
    return build(NANO)


@pytest.mark.parametrize("geometry", ["published", "even"])
@pytest.mark.parametrize("exporter", ["torchscript", pytest.param("dynamo", marks=pytest.mark.slow)])
def test_it_exports_runs_and_is_compliant(geometry: Any, exporter: Any, tmp_path: Path) -> None:
    if exporter == "dynamo":
        pytest.importorskip("onnxscript", reason="onnxscript is not installed")
    network = settled(build(Order("csa-nano", geometry=geometry)), SHAPE)
    exported = to_onnx(network, SHAPE, exporter)
    assert exported.opset == 17
    onnx.checker.check_model(exported.data, full_check=True)
    file = tmp_path / "nano.onnx"
    file.write_bytes(exported.data)

    image = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    found, expected = answers(exported.data, network, image)
    assert found.shape == (1, 10)
    assert expected.std() > 0.05
    assert np.abs(found - expected).max() < 1e-5

    report = audit_model(str(file), profile(DEFAULT))
    assert report.audit is not None
    assert report.audit.macs == NANO.reference.macs[geometry]
    if exporter == "torchscript":  # equal parameters hang on Identity nodes, which the parser does not fold
        assert {node.location.op_type for node in report.audit.nodes if node.verdict is not Verdict.ALLOWED} <= {
            "BatchNormalization", "Conv", "Identity",
        }  # fmt: skip
        assert str(report.verdict) == "non-compliant"
        report = fix_model(str(file), tmp_path / "fixed.onnx").after
    assert str(report.verdict) == "compliant"


def test_sizes_and_mean_are_refused_exactly_there(tmp_path: Path) -> None:
    exported = to_onnx(settled(build(Order("csa-nano", resize="sizes", pool="mean")), SHAPE), SHAPE, "torchscript")
    (tmp_path / "nano.onnx").write_bytes(exported.data)
    report = audit_model(str(tmp_path / "nano.onnx"), profile(DEFAULT))
    assert report.audit is not None
    refused = [finding.location.op_type for finding in report.audit.findings if finding.rule in REFUSED]
    # Six blocks, each with one resize to its grid and one back: 16 -> 4, 7 -> 4, 3 -> 4 and 1 -> 2.
    assert sorted(refused) == ["ReduceMean", *["Resize"] * 12]


def test_the_parameters_are_as_listed(network: Any) -> None:
    assert sum(part.numel() for part in network.parameters()) == NANO.reference.parameters
    assert network.maps == (16, 7, 3, 1)
    assert build(Order("csa-nano", geometry="even")).maps == (16, 8, 4, 2)


def test_the_seed_decides_and_nothing_else() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = build(NANO), build(NANO), build(Order("csa-nano", seed=1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.classify.weight, other.classify.weight)


def test_the_rotation_exchanges_channel_and_place(network: Any) -> None:
    block = next(part for part in network.stages if hasattr(part, "rotate") and part.heads == 2)
    query = torch.arange(2.0 * block.heads * block.places**2).view(2, -1, block.grid, block.grid)
    rotated = block.rotate(query)
    flat, turned = query.flatten(2), rotated.flatten(2)
    for head in range(block.heads):
        part = slice(head * block.places, (head + 1) * block.places)
        assert torch.equal(turned[:, part], flat[:, part].transpose(1, 2))
    assert torch.equal(block.rotate(rotated), query)


def test_scales_reach_their_target_in_either_arithmetic() -> None:
    from safecheck.zoo.csa import exact_scale

    pairs = [(source, target) for source in range(1, 129) for target in range(1, 129)]
    scales = [exact_scale(*pair) for pair in pairs]
    nudged = [pair for pair, scale in zip(pairs, scales, strict=True) if scale != np.float32(pair[1] / pair[0])]
    assert (27, 14) in nudged
    for (source, target), scale in zip(pairs, scales, strict=True):
        assert scale == np.float32(scale)
        assert int(source * scale) == target
        assert int(np.float32(source) * np.float32(scale)) == target


def test_a_training_step_lowers_the_loss_and_reaches_every_weight() -> None:
    network = build(Order("csa-nano", geometry="even")).train()
    images, labels = torch.rand((16, 3, 64, 64), generator=torch.Generator().manual_seed(3)), torch.arange(16) % 10
    losses = []
    for _ in range(4):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        # A bias before BatchNorm has no gradient but rounding.
        assert all(gradient.any() for gradient in gradients if gradient.ndim > 1)
        with torch.no_grad():
            for weight, gradient in zip(network.parameters(), gradients, strict=True):
                weight -= 0.2 * gradient
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.05


def test_the_batch_is_kept() -> None:
    exported = to_onnx(build(NANO), (3, *SHAPE[1:]), "torchscript")
    session = ort.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [3, 3, 64, 64]
    assert session.get_outputs()[0].shape == [3, 10]


@pytest.mark.parametrize("suffix", ["safetensors", "pth", "wrapped.pth"])
def test_weights_come_back(suffix: str, tmp_path: Path, network: Any) -> None:
    state = {
        name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in network.state_dict().items()
    }
    file = tmp_path / f"weights.{suffix}"
    save(state, file)
    loaded = build(Order("csa-nano", weights=str(file))).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_weights_of_another_network_are_named(tmp_path: Path, network: Any) -> None:
    state = dict(network.state_dict())
    state["evil\x1b[31m"] = state.pop("norm.weight")
    state["classify.weight"] = state["classify.weight"][:5]
    file = tmp_path / "weights.pth"
    save(state, file)
    with pytest.raises(UsageError) as caught:
        build(Order("csa-nano", weights=str(file)))
    assert "1 missing (norm.weight)" in str(caught.value)
    assert "1 unknown (evil\\x1b[31m)" in str(caught.value)
    assert "1 of another shape (classify.weight 5x96x1x1 instead of 10x96x1x1)" in str(caught.value)


def test_many_differences_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    save({f"layer.{number}": torch.zeros(1) for number in range(50)}, file)
    with pytest.raises(UsageError, match=r"50 unknown \(layer\.0, layer\.1, layer\.2, \.\.\.\)"):
        build(Order("csa-nano", weights=str(file)))


class Hostile:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, ("open('owned', 'w')",)


def test_a_checkpoint_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Hostile()}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="cannot be read as weights"):
        build(Order("csa-nano", weights="weights.pth"))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"version https://git-lfs.github.com/spec/v1\n", None])
def test_broken_weights_are_one_clear_error(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        build(Order("csa-nano", weights=str(tmp_path / name)))
    assert caught.value.code == "SC-IO-WEIGHTS"


def test_a_list_is_not_weights(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "weights.pth")
    with pytest.raises(InputError, match="not a table of tensors"):
        build(Order("csa-nano", weights=str(tmp_path / "weights.pth")))


def save(state: dict[str, Any], file: Path) -> None:
    if file.suffix == ".safetensors":
        pytest.importorskip("safetensors.torch", reason="safetensors is not installed").save_file(state, file)
    else:
        torch.save({"state_dict": state} if "wrapped" in file.name else state, file)

"""Plans and command lines: golden for every shipped profile and every generation of releases."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecheck.errors import InputError, SafecheckError, UsageError
from safecheck.ir.signature import Tensor
from safecheck.nvidia.commandline import arguments, shell_line
from safecheck.nvidia.plan import BuildPlan, Ports, plan
from safecheck.nvidia.version import from_code, generation, release_of
from safecheck.rulebook.load import profile, shipped

GOLDEN = Path(__file__).parent / "golden" / "plans.json"
RELEASES = ("8.4.12", "8.5.10", "8.6.11", "9.3.0", "10.0.1", "10.15.1", "10.16.1", "11.0.0", "11.4.0")
IMAGE = Tensor("FLOAT", (1, 3, 224, 224))
SINGLE = Ports((("x", IMAGE),), (("y", Tensor("FLOAT", (1, 1000))),), frozenset({"FLOAT"}), False)
HALF = replace(SINGLE, floats=frozenset({"FLOAT16"}))


target_of = cache(lambda name: profile(name).target)


def planned(name: str, release: str, model: Ports = SINGLE, **options: Any) -> BuildPlan:
    target = target_of(name)
    return plan(name, target, release_of(target["tensorrt"]), release_of(release), model, **options)


def golden() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(shipped()):
        for release in sorted({target_of(name)["tensorrt"], *RELEASES}, key=release_of):
            try:
                chosen = planned(name, release)
                line = shell_line("trtexec", arguments(chosen, "m.onnx", "m.engine", "m.layers.json"))
                found[f"{name} by {release}"] = {**asdict(chosen), "command": line}
            except SafecheckError as error:
                found[f"{name} by {release}"] = str(error)
    return json.loads(json.dumps(found))


def test_plans_and_command_lines_are_the_golden_ones() -> None:
    assert golden() == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("release", "flags", "checked"),
    [
        ("8.2.1", ["--restricted", "--buildOnly"], False),
        ("8.6.1", ["--restricted", "--skipInference"], True),
        ("10.15.0", ["--restricted", "--skipInference"], False),
        ("10.16.0", ["--skipInference"], False),
        ("11.1.0", ["--skipInference"], False),
    ],
)
def test_the_flag_is_there_exactly_where_the_release_has_it(release: str, flags: list[str], checked: bool) -> None:
    chosen = planned("tensorrt-8.6-restricted", release)
    words = arguments(chosen, "m.onnx", "m.engine")
    assert [word for word in words if word in ("--restricted", "--safe", "--skipInference", "--buildOnly")] == flags
    assert chosen.scope_checked is checked


def test_from_10_16_on_only_the_safety_capability_restricts() -> None:
    chosen = planned("tensorrt-11-safety", "10.16.1")
    assert chosen.capability == "SAFETY"
    assert chosen.scope_checked
    assert "--safe" in arguments(chosen, "m", "e")
    without = planned("tensorrt-11-safety", "10.16.1", safety=False)
    assert (without.capability, without.scope_checked) == ("STANDARD", False)
    assert "proves nothing" in without.note


@pytest.mark.parametrize("release", ["8.6.11", "10.15.0"])
def test_precision_comes_from_the_model_where_the_network_is_strongly_typed(release: str) -> None:
    strong = release_of(release) >= (10,)
    chosen = planned("tensorrt-10-safety" if strong else "tensorrt-8.6-restricted", release, HALF)
    assert chosen.precision == "fp16"
    words = arguments(chosen, "m", "e")
    assert ("--fp16" in words) is not strong
    assert ("--stronglyTyped" in words) is strong


def test_options_that_contradict_the_model_are_refused() -> None:
    with pytest.raises(UsageError, match="strongly typed"):
        planned("tensorrt-10-safety", "10.15", precision="fp16")
    with pytest.raises(UsageError, match="QuantizeLinear"):
        planned("tensorrt-8.6-restricted", "8.6.11", precision="int8")
    with pytest.raises(UsageError, match="the model has 1"):
        planned("tensorrt-8.6-restricted", "8.6.11", batch=4)
    with pytest.raises(UsageError, match="DLA computes"):
        planned("drive-orin-dla-8.6", "8.6.11", precision="fp32")
    assert planned("tensorrt-8.6-restricted", "8.6.11", batch=1).batch == 1


def test_quantised_models_build_with_both_flags_where_asked() -> None:
    model = replace(SINGLE, quantized=True)
    assert planned("tensorrt-8.6-restricted", "8.6.11", model).flags == ("SAFETY_SCOPE", "INT8")
    assert planned("tensorrt-8.6-restricted", "8.6.11", model, precision="mixed").flags[1:] == ("FP16", "INT8")
    dla = planned("drive-orin-dla-8.6", "8.6.11", model)
    assert {(port.type, port.format) for port in dla.inputs + dla.outputs} == {("int8", "chw32")}


@pytest.mark.parametrize("shape", [(1, None, 4), ("N", 3), None, (-1, 3)])
def test_open_shapes_are_never_built(shape: Any) -> None:
    if shape == (-1, 3):
        shape = ("-1", 3)
    with pytest.raises(InputError, match="open dimension"):
        planned("tensorrt-8.6-restricted", "8.6.11", replace(SINGLE, inputs=(("x", Tensor("FLOAT", shape)),)))


def test_releases() -> None:
    assert [generation(release_of(text)) for text in ("6.3.1", "8.6", "8.6.13", "9.1", "10.15.9", "10.16", "11.4")] == [
        "6", "8.6", "8.6", "9", "10", "11", "11",
    ]  # fmt: skip
    assert [from_code(code) for code in (8601, 8611, 8205, 100300, 101001, 110100, 123)] == [
        "8.6.1", "8.6.11", "8.2.5", "10.3.0", "10.10.1", "11.1.0", "",
    ]  # fmt: skip
    for wrong in ("8", "8.x", "", "8.6.1.2.3", "5.1", "٨.6", "8.6\n"):
        with pytest.raises(UsageError):
            release_of(wrong)


PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=()), min_size=1)


@given(PATHS, PATHS, PATHS, st.sampled_from(["8.6.11", "10.15.0"]))
def test_hostile_paths_stay_one_word_and_one_option(model: str, engine: str, layers: str, release: str) -> None:
    words = arguments(planned("tensorrt-8.6-restricted", release), model, engine, layers)
    assert shlex.split(shell_line("/opt/trtexec", words)) == ["/opt/trtexec", *words]
    assert all(word.startswith("--") for word in words)
    assert f"--onnx={model}" in words
    assert f"--saveEngine={engine}" in words
    harmless = arguments(planned("tensorrt-8.6-restricted", release), "m", "e", "l")
    assert len(words) == len(harmless)


def test_an_executable_is_never_taken_for_an_option() -> None:
    assert shlex.split(shell_line("-rf", ["--safe"])) == ["./-rf", "--safe"]

"""Real logs, as they were published or written by the real library (`logs/README.md` names the sources)."""

from __future__ import annotations

import random
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safecheck.audit.audit import Audit, Audited
from safecheck.finding import Finding, Location, ModelVerdict, Verdict
from safecheck.nvidia import blame, log
from safecheck.nvidia.evidence import evidence, on_dla
from safecheck.nvidia.log import LogError
from safecheck.rulebook.load import profile

LOGS = Path(__file__).parent / "logs"
RESTRICTED = profile("tensorrt-8.6-restricted").target
SCOPE_10 = profile("tensorrt-10-safety").target


def known(name: str) -> list[tuple[str, str, int | None]]:
    return [(error.kind, error.layer, error.index) for error in log.read(LOGS / f"{name}.log").errors]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trtexec-7.0-safe", ("scope", "(Unnamed Layer* 140) [Matrix Multiply]", None)),
        ("trtexec-8.2-restricted", ("scope", "xxx", None)),
        ("trtexec-8.4-safe-dla", ("scope", "", None)),
        ("trtexec-8.6-dla-standalone", ("scope", "", None)),
        ("api-8.2-dla-standalone", ("scope", "", None)),
        ("trtexec-10.3-parser", ("parser", "/model/prediction/layers/layers.0/Conv_output_0", 267)),
        ("trtexec-7.2-parser", ("parser", "", 81)),
    ],
)
def test_each_refusal_is_found_once(name: str, expected: tuple[str, str, int | None]) -> None:
    assert [error for error in known(name) if error[0] != "other"] == [expected]


@pytest.mark.parametrize("name", ["python-10.16-safety", "trtexec-10.13-remote", "python-8.x-dynamic"])
def test_what_is_no_refusal_of_a_layer_is_not_taken_for_one(name: str) -> None:
    assert {kind for kind, _, _ in known(name)} == {"other"}


def test_warnings_name_the_layers_that_are_taken_off_dla() -> None:
    found = log.read(LOGS / "api-8.5-dla-fallback.log")
    assert found.errors == []
    taken = on_dla(found)
    assert {error.kind for error in taken} == {"scope"}
    assert [error.layer for error in taken] == [
        "(Unnamed Layer* 481) [Constant]", "/model.23/Expand_1", "/model.10/m/m.0/attn/Reshape", "/model.23/Mod",
    ]  # fmt: skip
    assert "DLA only supports slicing 4 dimensional tensors. Layer '/model.23/Expand_1' (SLICE)" in taken[1].text
    assert taken[2].text.startswith("This version of DLA does not support reshape layers directly connected to Slice")


def test_on_dla_a_layer_that_is_taken_off_is_a_refusal_and_what_follows_is_not(tmp_path: Path) -> None:
    warnings = (LOGS / "api-8.5-dla-fallback.log").read_text(encoding="utf-8")
    errors = (LOGS / "trtexec-8.6-dla-standalone.log").read_text(encoding="utf-8")
    path = tmp_path / "log"
    path.write_text("&&&& RUNNING TensorRT.trtexec [TensorRT v8612]\n" + warnings + errors, encoding="utf-8")
    on_dla = evidence(log.read(path), False, profile("drive-orin-dla-8.6").target, None)
    assert on_dla.refused
    assert [refusal.layer for refusal in on_dla.errors][-1] == "/model.23/Mod"
    on_gpu = evidence(log.read(path), False, RESTRICTED, None)
    assert [refusal.layer for refusal in on_gpu.errors] == [""]


def test_the_scope_check_of_10_names_layer_and_limit() -> None:
    found = log.read(LOGS / "scope-10-refused.log")
    scope = [error for error in found.errors if error.kind == "scope"]
    assert [error.layer for error in scope] == ["lrn0", "conv0"]
    assert scope[0].text == 'Error Code: 4: Layer {LRN} "lrn0" failed safety scope validation'
    assert scope[1].text.startswith(
        "LayerKernelLimit: At least one of the Dims [19,19] range is not within the range of [1, 18] ("
    )
    assert found.passed is False
    assert found.options["Network supported"] == "False"
    assert found.effective == ("EngineCapability.STANDARD", "SAFETY_SCOPE", "STRONGLY_TYPED")


def test_the_parser_of_10_names_nodes_and_reasons() -> None:
    found = [error for error in log.read(LOGS / "parser-10.log").errors if error.kind == "parser"]
    assert [(error.layer, error.index) for error in found] == [("s", 0), ("z", 1)]
    assert all("In function check" in error.text for error in found)


def test_a_build_by_the_real_library() -> None:
    found = log.read(LOGS / "scope-10-built.log")
    assert found.passed is True
    assert found.size_mib == 2.48645
    assert found.seconds is not None
    assert found.seconds > 0


def test_options_in_force_are_those_that_trtexec_prints() -> None:
    found = log.read(LOGS / "trtexec-8.2-options.log")
    assert found.tensorrt == "8.2.5"
    assert found.model == "meilleur_model.onnx"
    assert found.effective == ("EngineCapability.STANDARD", "FP16")
    said = evidence(found, False, RESTRICTED, None)
    assert not said.scope_checked
    assert "no safety flag was in force" in said.reason


def test_from_10_16_on_nothing_restricts_a_standard_build(tmp_path: Path) -> None:
    text = (LOGS / "trtexec-10.16-standard.log").read_text(encoding="utf-8")
    path = tmp_path / "log"
    path.write_text(text + "[I] Restricted mode: Enabled\n", encoding="utf-8")
    found = log.read(path)
    assert (found.tensorrt, found.gpu) == ("10.16.2", "Orin")
    assert found.effective == ("EngineCapability.STANDARD",)
    said = evidence(found, True, profile("tensorrt-11-safety").target, None)
    assert not said.scope_checked
    assert "proves nothing about the safety scope" in said.reason


def test_a_machine_without_safety_builds_is_recognised() -> None:
    assert log.read(LOGS / "trtexec-8.6-no-safety.log").no_safety
    assert not log.read(LOGS / "trtexec-8.6-dla-standalone.log").no_safety


def test_a_skipped_check_is_no_check(tmp_path: Path) -> None:
    text = (LOGS / "scope-10-built.log").read_text(encoding="utf-8").replace("version: 1.4.0", "version: 10.15.1")
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    assert evidence(log.read(path), True, SCOPE_10, None).scope_checked
    path.write_text(
        text + "[V] [TRT] Safety scope validation skipped for network with dynamic shapes\n", encoding="utf-8"
    )
    skipped = evidence(log.read(path), True, SCOPE_10, None)
    assert not skipped.scope_checked
    assert "skipped for network with dynamic shapes" in skipped.reason
    path.write_text(text.replace("Network supported: True", "Network supported: False"), encoding="utf-8")
    assert not evidence(log.read(path), True, SCOPE_10, None).scope_checked


def test_what_the_library_repeats_of_a_model_is_no_option(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8611] # trtexec --onnx=m.onnx\n[I] Precision: FP32\n"
        "[V] [TRT] Restricted mode: Enabled\n[V] [TRT] Engine built in 1 sec\n[I] [TRT] x &&&& PASSED TensorRT.trtexec "
        "[TensorRT v8611]\n[I] Restricted mode: Disabled\n[I] Restricted mode: Enabled\n",
        encoding="utf-8",
    )
    found = log.read(path)
    assert found.effective == ("EngineCapability.STANDARD",)
    assert found.passed is None
    assert found.seconds is None


def test_failed_counts_more_than_passed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    mark = "&&&& {} TensorRT.trtexec [TensorRT v8611] # trtexec\n"
    path.write_text(mark.format("FAILED") + mark.format("PASSED"), encoding="utf-8")
    assert log.read(path).passed is False


@given(st.binary(max_size=2000))
@settings(max_examples=200)
def test_garbage_is_read_without_complaint_and_says_nothing(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = log.read(Path(file.name))
    assert found.passed is None
    assert found.effective == ()


HOSTILE = ["Layer ", "In node 1 with name: ", "Error Code 4: Internal Error (", "[LayerKernelLimit] [E] ", "ERROR: x "]
HOSTILE += [
    "x: ",
    "Could not find any implementation for node ",
    '"',
    "layer x is not ",
    "While parsing node number 1 [x",
]


@pytest.mark.slow
def test_a_hostile_log_is_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "log"
    lines = [f"[E] {word * (8000 // len(word))}\n" for word in HOSTILE]
    path.write_text("".join(lines) * 100, encoding="utf-8")
    started = time.process_time()
    log.read(path)
    assert time.process_time() - started < 15


NODES = [
    ("conv", "Conv", ("a",), "IConvolutionLayer"),
    ("mean_3", "ReduceMean", ("b",), "IReduceLayer:kAVG"),
    ("", "MatMul", ("c",), "IMatrixMultiplyLayer"),
    ("twice", "Relu", ("d",), "IActivationLayer:kRELU"),
    ("twice", "Relu", ("e",), "IActivationLayer:kRELU"),
]


def made_audit() -> Audit:
    nodes, findings = [], []
    for index, (name, op_type, outputs, layer) in enumerate(NODES):
        location = Location("", index, name, op_type, "", outputs)
        bad = op_type in ("ReduceMean", "MatMul")
        node = SimpleNamespace(location=location)
        nodes.append(Audited(node, Verdict.FORBIDDEN if bad else Verdict.ALLOWED, (layer,), False))
        if bad:
            findings.append(
                Finding(
                    f"no-{op_type.lower()}", Verdict.FORBIDDEN, None, "", "", "", location, (layer,), (), (), (), "f"
                )
            )
    products = None  # nothing here asks for a cost
    return Audit(ModelVerdict.NON_COMPLIANT, tuple(nodes), tuple(findings), (), products, ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layer", "index", "rules"),
    [
        ("conv", 0, ()),
        ("mean_3", 1, ("no-reducemean",)),
        ("mean_3_7", 1, ("no-reducemean",)),
        ("mean_3 [Reduce]", 1, ("no-reducemean",)),
        ("node_of_c", 2, ("no-matmul",)),
        ("c", 2, ("no-matmul",)),
        ("conv + mean_3", 0, ()),
        ("PWN(mean_3)", 1, ("no-reducemean",)),
        ("{ForeignNode[mean_3...conv]}", 1, ("no-reducemean",)),
        ("(Unnamed Layer* 140) [Matrix Multiply]", 2, ("no-matmul",)),
        ("(Unnamed Layer* 3) [Activation]", None, ()),
        ("twice", None, ()),
        ("nobody", None, ()),
        ("", None, ()),
    ],
)
def test_a_layer_leads_to_its_node_and_our_rules(layer: str, index: int | None, rules: tuple[str, ...]) -> None:
    (found,) = blame.refusals([LogError("scope", layer, "text")], made_audit())
    assert (found.location and found.location.index) == index
    assert found.rules == rules


def test_a_number_of_the_parser_counts_only_if_the_name_fits() -> None:
    fits, odd = blame.refusals(
        [LogError("parser", "b", "text", 1), LogError("parser", "elsewhere", "text", 1)], made_audit()
    )
    assert fits.location is not None
    assert fits.location.index == 1
    assert fits.rules == ("no-reducemean",)
    assert odd.location is None


def test_names_terminate_on_anything() -> None:
    generator = random.Random(7)
    for _ in range(500):
        text = "".join(generator.choices("ab_1 +.,()[]{}PWNForeignNode", k=60))
        assert len(list(blame.names(text))) < 64

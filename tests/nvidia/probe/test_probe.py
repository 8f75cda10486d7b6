"""From questions to an overlay that decides exactly what was asked, with a backend that answers as it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import processes
import pytest
from case_files import model_from_text
from nvidia.probe import few

from safecheck.errors import InputError, UsageError
from safecheck.finding import Grade, Verdict
from safecheck.intake.onnx_library import messages
from safecheck.nvidia.backends.backend import Told
from safecheck.nvidia.probe.overlay import overlay, rule_id
from safecheck.nvidia.probe.questions import Question
from safecheck.nvidia.probe.run import Probed, collect, probe, require_measured
from safecheck.rulebook.lint import problems
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.usecases.audit import audit_model

MODEL = """(float[1,4,16,16] x) => (float[1,8,5,5] y) {
    a = Sigmoid(x) b = Mul(a, x) c = Conv<kernel_shape=[3,3], strides=[3,3]>(b, w) y = Relu(c) }"""
KNOWN = {"relu": Verdict.ALLOWED, "lrn": Verdict.FORBIDDEN, "kernel-19": Verdict.FORBIDDEN}


class Fake:
    """Answers the known networks truthfully, and the others by their operator."""

    name = "fake"
    release = "10"

    def __init__(self, answers: Callable[[str], Told], known: dict[str, Verdict] | None = None) -> None:
        self._answers = answers
        self._known = KNOWN if known is None else known
        self.asked: list[str] = []

    def ask(self, path: str, book: Profile) -> Told:
        name = Path(path).stem
        self.asked.append(name)
        if name.startswith("known-"):
            return Told(self._known[name.removeprefix("known-")], "known", log=b"known\n")
        model = messages().ModelProto.FromString(Path(path).read_bytes())
        return self._answers(model.graph.node[0].op_type)

    def about(self) -> str:
        return 'A fake: "quoted" \u202e and {odd} \U0001f600'


def mixed(operator: str) -> Told:
    if operator == "Mul":
        return Told(Verdict.UNPROVEN, "no answer", log=b"?")
    if operator == "Conv":
        return Told(Verdict.FORBIDDEN, 'refused: "stride" \\ {3}', ("IConvolutionLayer",), b"no")
    return Told(Verdict.ALLOWED, "in scope", log=b"yes")


def model_file(folder: Path, text: str = MODEL) -> str:
    file = folder / "model.onnx"
    file.write_bytes(model_from_text(text, weights={"w": "float[8,4,3,3]"}).SerializeToString())
    return str(file)


def asked_about(path: str) -> list[Question]:
    audit = audit_model(path, few.book()).audit
    assert audit is not None
    asked, unasked = collect([audit], few.book())
    assert unasked == []
    return asked


def run(folder: Path, backend: Fake, path: str) -> tuple[Probed, Path]:
    found = probe(asked_about(path), few.book(), backend, str(folder))
    few.write(folder)
    file = folder / "measured.yaml"
    file.write_text(overlay(few.book(), "few.yaml", found.about, found.log_sha256, found.answers), encoding="utf-8")
    return found, file


def test_the_overlay_decides_exactly_what_was_answered(tmp_path: Path) -> None:
    path = model_file(tmp_path)
    _, file = run(tmp_path, Fake(mixed), path)
    assert list(problems(str(file))) == []
    audit = audit_model(path, profile(str(file))).audit
    assert audit is not None
    verdicts = {node.location.op_type: str(node.verdict) for node in audit.nodes}
    assert verdicts == {"Sigmoid": "allowed", "Mul": "unproven", "Conv": "forbidden", "Relu": "allowed"}
    (refusal,) = [finding for finding in audit.findings if finding.verdict is Verdict.FORBIDDEN]
    assert refusal.grade is Grade.MEASURED
    assert refusal.rule.startswith("measured-conv-")
    assert 'refused: "stride"' in refusal.why
    assert refusal.sources[0].kind == "measurement"


@pytest.mark.parametrize(
    "changed",
    [
        MODEL.replace("1,4,16,16", "2,4,16,16").replace("1,8,5,5", "2,8,5,5"),
        MODEL.replace("strides=[3,3]", "strides=[3,3], pads=[0,0,0,0]"),
        MODEL.replace("float", "float16"),
        MODEL.replace("Sigmoid", "Tanh").replace("Relu", "Elu"),
    ],
)
def test_nothing_beside_what_was_asked_is_decided(changed: str, tmp_path: Path) -> None:
    _, file = run(tmp_path, Fake(mixed), model_file(tmp_path))
    weights = {"w": "float16[8,4,3,3]" if "float16" in changed else "float[8,4,3,3]"}
    other = tmp_path / "other.onnx"
    other.write_bytes(model_from_text(changed, weights=weights).SerializeToString())
    before, after = (audit_model(str(other), book).audit for book in (few.book(), profile(str(file))))
    assert before is not None
    assert after is not None
    ids = {question.id for question in asked_about(model_file(tmp_path))}
    moved = [
        node.location.op_type
        for node, was in zip(after.nodes, before.nodes, strict=True)
        if node.verdict is not was.verdict
    ]
    same = [question.title.split()[0] for question in asked_about(str(other)) if question.id in ids]
    assert sorted(moved) == sorted(name for name in same if name != "Mul")


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    path = model_file(tmp_path)
    texts = [run(tmp_path, Fake(mixed), path)[1].read_bytes() for _ in range(2)]
    assert texts[0] == texts[1]


def test_the_check_is_proven_live_first(tmp_path: Path) -> None:
    for name in KNOWN:
        for wrong in set(Verdict) - {KNOWN[name]}:
            backend = Fake(mixed, {**KNOWN, name: wrong})
            with pytest.raises(InputError, match=f"'{name}' must be {KNOWN[name]}, the answer is {wrong}"):
                probe(asked_about(model_file(tmp_path)), few.book(), backend, str(tmp_path))
            assert all(part.startswith("known-") for part in backend.asked)


def test_another_release_does_not_answer_for_a_profile(tmp_path: Path) -> None:
    for told in ("", "8.6.1", "11.0", "10.14.1"):
        backend = Fake(mixed)
        backend.release = told
        with pytest.raises(UsageError, match="use the profile of the release that answers"):
            probe(asked_about(model_file(tmp_path)), few.book(), backend, str(tmp_path))
    backend = Fake(mixed)
    backend.release = "10.15.1"
    assert probe(asked_about(model_file(tmp_path)), few.book(), backend, str(tmp_path)).answers


@pytest.mark.parametrize("name", ["tensorrt-11-safety", "drive-orin-dla-8.6"])
def test_where_no_refusal_is_known_nothing_is_asked(name: str, tmp_path: Path) -> None:
    backend = Fake(mixed)
    with pytest.raises(UsageError, match=f"no static check is known for {name}"):
        probe([], profile(name), backend, str(tmp_path))
    assert backend.asked == []


def test_the_known_networks_of_8_6(tmp_path: Path) -> None:
    known = {"relu": Verdict.ALLOWED, "mean": Verdict.FORBIDDEN, "resize-by-sizes": Verdict.FORBIDDEN}
    old = Fake(mixed, known)
    old.release = "8.6.13"
    probe([], profile("tensorrt-8.6-restricted"), old, str(tmp_path))
    assert old.asked == ["known-relu", "known-mean", "known-resize-by-sizes"]
    for name in old.asked:
        report = audit_model(str(tmp_path / f"{name}.onnx"), profile("tensorrt-8.6-restricted"))
        assert report.audit is not None, report.error


def test_rule_ids_are_ids() -> None:
    question = Question("ab" * 16, "Über-Op_2 FLOAT[1]", (), None)
    assert rule_id(question) == "measured-berop2-abababababab"
    assert rule_id(dataclasses.replace(question, title="Ü X")) == "measured-form-abababababab"


def test_a_profile_that_accepts_no_measurement() -> None:
    with pytest.raises(UsageError, match="does not accept measured evidence"):
        require_measured(dataclasses.replace(few.book(), grades=frozenset({Grade.DOCUMENTED})))


def command(*arguments: str) -> tuple[int, str]:
    done = processes.safecheck_text("probe", *arguments)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    model, output = model_file(tmp_path), str(tmp_path / "new.yaml")
    few_file = str(few.write(tmp_path))
    for arguments, expected in (
        ((model, "-o", output), "use --profile tensorrt-10-safety"),
        ((model, "-o", output, "--with", "trtexec", "--trtexec", str(tmp_path / "none")), "give --trtexec PATH"),
        ((model, "-o", few_file, "--profile", few_file), "name a new file"),
        ((model, "-o", str(tmp_path / "new.txt"), "--profile", few_file), "name a new .yaml file"),
        ((model, "-o", str(tmp_path / "none" / "new.yaml"), "--profile", few_file), "name a new .yaml file"),
    ):
        code, text = command(*arguments)
        assert (code, text.count("\n")) == (2, 1), text
        assert expected in text
    assert not Path(output).exists()

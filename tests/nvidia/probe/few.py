"""A profile that knows little, so that there is much to ask: the 10.x profile without the rules of most layers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from safecheck.audit.audit import Audit
from safecheck.rulebook.cases import Case, cases
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile
from safecheck.strict import resources
from safecheck.usecases.audit import audit_model

FULL = "tensorrt-10-safety"


def write(folder: Path, release: str = "10.15") -> Path:
    """The profile file."""
    text = (resources.rules() / "profiles" / f"{FULL}.yaml").read_text(encoding="utf-8")
    text = text.replace(f"id: {FULL}", "id: few-rules").replace("title: ", "title: Few rules of ")
    text = text.replace('tensorrt: "10.15"', f'tensorrt: "{release}"')
    text = text.replace(
        "rules: [trt-10/*, mistranslations, gap]", "rules: [trt-10/parser, trt-10/tensors, trt-10/unlisted]"
    )
    file = folder / "few.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@cache
def book() -> Profile:
    """The profile."""
    with tempfile.TemporaryDirectory() as folder:
        return profile(str(write(Path(folder))))


def audited(models: list[bytes]) -> Iterator[Audit]:
    """Audits of models under the profile, where they can be read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        for model in models:
            file.write_bytes(model)
            report = audit_model(str(file), book())
            if report.audit is not None:
                yield report.audit


def rule_cases() -> list[Case]:
    """The rule cases of the full profile."""
    return [case for case in cases() if case.profile == FULL]

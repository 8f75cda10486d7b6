"""What we and the vendor say about random models: every answer is counted, and whatever differs is kept.

The vendor answers in seven ways: in scope, out of it, the parser refuses or knows no such operator, the network refuses
(while it is parsed, or as a whole), not checked (shapes that depend on data), and the process that was asked died. We
answer in four: compliant, non-compliant, inconclusive, and that the file is no valid model (exit 3 as well).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from agreement import PROFILE, REFUSED_WHERE_IT_IS_NOT_MISREAD, scope_profile
from generated.models import Random, random_model
from scope_check import Answer, Scope
from scope_check import answer as reading
from warm import CrashError, Warm

from safecheck.audit.audit import Audit, audit
from safecheck.errors import InputError
from safecheck.finding import ModelVerdict, Verdict
from safecheck.intake.memory import InMemory
from safecheck.ir.model import load
from safecheck.nvidia.scope_check.answers import failed, read
from safecheck.rulebook.load import profile
from safecheck.rulebook.profile import Profile


class Vendor(StrEnum):
    """The vendor's answer."""

    INSIDE = "in scope"
    OUTSIDE = "out of scope"
    PARSER = "parser refuses"
    UNKNOWN = "unknown operator"
    """The package knows no plugins; TensorRT itself would look for one of that name."""
    NETWORK = "network refuses"
    UNCHECKED = "unchecked"
    CRASHED = "crashed"

    @property
    def refuses(self) -> bool:
        """Whether such a model is not built; a parser that dies builds nothing either."""
        return self not in (Vendor.INSIDE, Vendor.UNCHECKED)


class Ours(StrEnum):
    """Our answer."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    INCONCLUSIVE = "inconclusive"
    INVALID = "not a valid model"


class Difference(StrEnum):
    """How two answers contradict each other, the worst first."""

    FALSE_PASS = "false pass"
    """We call compliant what is refused."""
    PASSED_NODE = "passed node"
    """We refuse the model for another reason, and allow a node that is refused."""
    FALSE_PASS_UNCHECKED = "pass unchecked"
    """We call compliant what the check did not look at."""
    FALSE_ALARM = "false alarm"
    """We refuse what is in scope."""
    UNPROVEN = "unproven though decided"
    """We do not know about a valid model what the vendor knows."""
    NONE = ""


class Compared(NamedTuple):
    """One model, both sides."""

    model: Random
    vendor: Vendor
    ours: Ours
    difference: Difference
    told: str
    """What the vendor says."""
    why: str
    """What we say."""

    def __str__(self) -> str:
        return f"{self.difference}: {self.model}\n  vendor: {self.vendor}: {self.told}\n  ours: {self.ours}: {self.why}"


UNCHECKED = "dynamic or data-dependent shapes"
_LARGEST = 1_000_000
"""Elements of an input with which a model is run to see whether it is valid."""
_UNKNOWN = re.compile(r"No importer registered for op|Op type \S+ is not supported in TensorRT-RTX")
_NETWORK = re.compile(r"Invalid Node|API Usage Error|Shape Error|Error Code")
_VENDOR = {
    Scope.INSIDE: Vendor.INSIDE,
    Scope.REFUSED: Vendor.OUTSIDE,
    Scope.INVALID: Vendor.NETWORK,
    Scope.UNCHECKED: Vendor.UNCHECKED,
    Scope.CRASHED: Vendor.CRASHED,
}
_OURS = {
    ModelVerdict.COMPLIANT: Ours.COMPLIANT,
    ModelVerdict.NON_COMPLIANT: Ours.NON_COMPLIANT,
    ModelVerdict.INCONCLUSIVE: Ours.INCONCLUSIVE,
}


def compared(seeds: range, vendor: Warm | None = None) -> Iterator[Compared]:
    """Ask both sides about the models of these numbers."""
    asking = vendor or Warm()
    for seed in seeds:
        yield compare(random_model(seed), asking)
    if vendor is None:
        asking.close()


def compare(model: Random, vendor: Warm) -> Compared:
    """Ask both sides about one model."""
    try:
        answer = reading(read(vendor.ask(model.model)))
    except CrashError as error:
        answer = reading(failed(str(error)))
    told = "; ".join(answer.reasons)
    theirs = _VENDOR.get(answer.scope) or _refusal(told)
    if answer.scope is Scope.INVALID and UNCHECKED in told:
        theirs = Vendor.UNCHECKED  # an input decides a shape: it takes a profile to tell more
    ours, why, ruled = _ours(model)
    difference = _difference(theirs, ours, model, ruled, answer)
    return Compared(model, theirs, ours, difference, told, why)


@cache
def _whole() -> Profile:
    return profile(PROFILE)


def _refusal(told: str) -> Vendor:
    if _UNKNOWN.search(told):
        return Vendor.UNKNOWN
    return Vendor.NETWORK if _NETWORK.search(told) else Vendor.PARSER


@cache
def _without_misreadings() -> Profile:
    whole = scope_profile()
    return dataclasses.replace(
        whole, rules=tuple(rule for rule in whole.rules if rule.id != REFUSED_WHERE_IT_IS_NOT_MISREAD)
    )


def _ours(model: Random) -> tuple[Ours, str, Audit | None]:
    try:
        found = audit(load(InMemory(model.model)), _whole())
    except InputError as error:
        return Ours.INVALID, str(error), None
    why = "; ".join(f"{one.location.op_type} {one.rule}" for one in found.findings[:4])
    return _OURS[found.verdict], why, found


def _difference(vendor: Vendor, ours: Ours, model: Random, ruled: Audit | None, answer: Answer) -> Difference:
    if ours is Ours.COMPLIANT:
        if vendor is Vendor.UNCHECKED:
            return Difference.FALSE_PASS_UNCHECKED
        return Difference.FALSE_PASS if vendor.refuses else Difference.NONE
    if vendor is Vendor.UNCHECKED:
        return Difference.NONE
    if vendor.refuses:
        if ruled is not None and answer.nodes & _allowed(ruled):
            return Difference.PASSED_NODE
        open_ = ours is Ours.INCONCLUSIVE and vendor is not Vendor.UNKNOWN and _is_valid(model.model)
        return Difference.UNPROVEN if open_ else Difference.NONE
    if ours is Ours.INVALID:
        return Difference.FALSE_ALARM if _is_valid(model.model) and _runs(model.model) else Difference.NONE
    # The check does not know what the parser computes otherwise: judge without these rules.
    without = audit(load(InMemory(model.model)), _without_misreadings()).verdict
    if without is ModelVerdict.COMPLIANT:
        return Difference.NONE
    return Difference.FALSE_ALARM if without is ModelVerdict.NON_COMPLIANT else Difference.UNPROVEN


def _allowed(ruled: Audit) -> set[str]:
    """Names of nodes, as the vendor calls them, that we allow; a name that several nodes have tells nothing."""
    named = Counter(node.location.node for node in ruled.nodes)
    return {
        node.location.node or f"node_of_{node.location.outputs[0]}"
        for node in ruled.nodes
        if node.verdict is Verdict.ALLOWED and node.location.outputs and named[node.location.node] < 2
    }


def _is_valid(model: bytes) -> bool:
    """Whether onnx's own checker has nothing against a model."""
    try:
        onnx.checker.check_model(onnx.ModelProto.FromString(model), full_check=True)
    except Exception:
        return False
    return True


def _runs(model: bytes) -> bool:
    """Whether onnxruntime runs a model and something comes out: the checker does not see everything."""
    proto = onnx.ModelProto.FromString(model)
    stored = {tensor.name for tensor in proto.graph.initializer}
    dims = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in proto.graph.input]
    if any(math.prod(shape) > _LARGEST for shape in dims):
        return True
    try:
        feeds = {
            value.name: np.zeros([dim.dim_value for dim in value.type.tensor_type.shape.dim], _numpy_type(value))
            for value in proto.graph.input
            if value.name not in stored
        }
        session = onnxruntime.InferenceSession(model, _quiet(), ["CPUExecutionProvider"])
        return all(np.size(result) for result in session.run(None, feeds))
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return True
    except Exception:
        return False


def _numpy_type(value: Any) -> Any:
    return onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)


def _quiet() -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return options

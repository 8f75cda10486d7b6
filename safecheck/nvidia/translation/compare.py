"""Hold a network against the file that it was made of, node by node, on the file's own values.

Wherever a layer writes a tensor that the file has too, the two values are compared, and the layers behind get the
file's. So what is found is what *this* node computes, no deviation adds up, and everything behind it is compared too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from safecheck.nvidia.translation.execute import Missing, Value, execute, fitted
from safecheck.nvidia.translation.network import Array, Layer, Network, NotRaised, Tensor
from safecheck.nvidia.translation.original import NotRun, Original


@dataclass(frozen=True, slots=True)
class Difference:
    """A tensor that the network computes otherwise than the file."""

    tensor: str
    sample: str
    layer: Layer
    """The layer that writes it."""
    file: str
    """What the file computes, in words."""
    network: str
    error: float
    """The largest absolute difference; infinite between shapes, and where only one is finite."""


@dataclass
class Comparison:
    """What came out, for as many samples as both could be run on."""

    samples: list[str] = field(default_factory=list)
    equal: dict[str, float] = field(default_factory=dict)
    """Tensors that were equal within the tolerance, with the largest absolute difference."""
    differences: dict[str, Difference] = field(default_factory=dict)
    """By tensor; of several samples the first."""
    missing: dict[str, tuple[Layer, str]] = field(default_factory=dict)
    """By name, the layers that were raised in no sample, and why."""
    doubted: set[str] = field(default_factory=set)
    """Tensors on which onnxruntime does not agree with ONNX's text or reference, and the network may be right."""
    raised: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    """Why samples could not be run."""
    outputs: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """`different`, `same`, or `undecided`: where anything was left out, nothing is the same."""
        if self.differences:
            return "different"
        return "undecided" if self.reason else "same"

    @property
    def reason(self) -> str:
        """Why nothing is decided, if there is no difference; empty if it is."""
        if not self.samples:
            return self.reasons[0] if self.reasons else "there is no input that the file could be run on"
        for layer, reason in self.missing.values():
            return f"{layer.kind} '{layer.name}': {reason}"
        left = [name for name in self.outputs if name not in self.equal]
        if left:
            return f"the output '{left[0]}' could not be compared"
        return ""


def compare(original: Original, network: Network, samples: Iterable[tuple[str, Mapping[str, Array]]]) -> Comparison:
    """Run both on every sample."""
    found = Comparison(outputs=list(original.outputs))
    for name, inputs in samples:
        try:
            _Sample(original, network, name, inputs, found).run()
        except (NotRun, NotRaised) as reason:
            found.reasons.append(str(reason))
        else:
            found.samples.append(name)
    for name in found.raised:
        found.missing.pop(name, None)
    for name in found.differences:
        found.equal.pop(name, None)
    return found


class _Sample:
    """One run of both."""

    def __init__(
        self, original: Original, network: Network, name: str, inputs: Mapping[str, Array], found: Comparison
    ) -> None:
        self._original, self._network, self._name, self._found = original, network, name, found
        self._inputs = dict(inputs)
        self._values = original.values(inputs)
        self._seen: set[str] = set()

    def run(self) -> None:
        """Run the network, and hold every value against that of the file."""
        wanted = [tensor.name for tensor in self._network.inputs]
        inputs = self._inputs
        if not inputs.keys() >= set(wanted):  # here and there the parser gives an input another name
            inputs = dict(zip(wanted, inputs.values(), strict=False))
        if len(inputs) < len(wanted):
            raise NotRaised("the network has more inputs than the file")
        made = execute(self._network, inputs, self._watch)
        last = self._network.layers[-1] if self._network.layers else Layer("none", "", "", (), ())
        for name, tensor in zip(self._original.outputs, self._network.outputs, strict=False):
            value = made.get(tensor.name)
            if name not in self._seen and value is not None and not isinstance(value, Missing):
                self._compare(name, last, tensor, value)

    def _watch(self, layer: Layer, tensor: Tensor, value: Value) -> Value:
        # A constant is named after its layer, and may have the name of another tensor of the file by chance.
        own = layer.kind != "CONSTANT" or tensor.name in self._original.outputs
        file = self._values.get(tensor.name) if own else None
        if isinstance(value, Missing):
            self._found.missing.setdefault(value.layer.name, (value.layer, value.reason))
            return value if file is None else self._given(file, tensor, value)
        self._found.raised.add(layer.name)
        if file is None:
            return value
        self._compare(tensor.name, layer, tensor, value)
        return self._given(file, tensor, value)

    def _given(self, file: Array, tensor: Tensor, value: Value) -> Value:
        """The file's value in the type of the network's tensor, of which the file may know more digits."""
        try:
            return fitted(file, tensor)
        except NotRaised:
            return value

    def _compare(self, name: str, layer: Layer, tensor: Tensor, value: Array) -> None:
        file = self._values.get(name, self._inputs.get(name))
        if file is None:
            return
        self._seen.add(name)
        loose = "large" in self._name
        found = deviation(file, value, loose)
        if not found.too_far or (found.error <= 1 and _rounds_half(layer)):
            self._found.equal[name] = max(self._found.equal.get(name, 0.0), found.error)
            return
        if name in self._found.differences:
            return
        if self._original.deviates(name) or self._agreed(name, value, loose):
            self._found.doubted.add(name)
            self._found.equal.setdefault(name, 0.0)
            return
        ours, theirs = _words(file, value)
        self._found.differences[name] = Difference(name, self._name, layer, ours, theirs, found.error)

    def _agreed(self, name: str, value: Array, loose: bool) -> bool:
        """Whether ONNX's reference is on the network's side."""
        other = self._original.second_opinion(name, {**self._inputs, **self._values})
        return other is not None and not deviation(other, value, loose).too_far


_SMALLEST = 0.05
"""A tensor of smaller values than this may be what is left of larger ones."""


def _tolerance(loose: bool, *arrays: Array) -> tuple[float, float]:
    """Relative, and as a part of the largest value: of what has fewer digits.

    What is left of large numbers close to each other has lost digits, in whatever order it was computed.
    """
    if any(array.dtype.itemsize == 1 and array.dtype.kind in "fV" for array in arrays):
        return 7e-2, 7e-2
    if any(array.dtype.itemsize == 2 and array.dtype.kind in "fV" for array in arrays):
        return (8e-3, 2e-3) if any(array.dtype == np.float16 for array in arrays) else (3e-2, 1e-2)
    return (3e-3, 3e-4) if loose else (1e-5, 5e-6)


class Deviation(NamedTuple):
    """How far two values are from each other."""

    error: float
    """The largest absolute difference where the file is finite; infinite if the network is not, or has other sizes."""
    too_far: bool


def deviation(file: Array, network: Array, loose: bool = False) -> Deviation:
    """Hold a value of the network against that of the file.

    Integers must be equal. Where the file computes NaN nothing is asked of the network; where it computes an infinity,
    a number near the end of the range will do.
    """
    if file.shape != network.shape:
        return Deviation(np.inf, True)
    if not (_floating(file) and _floating(network)):
        error = np.abs(file.astype(np.float64) - network.astype(np.float64)).max(initial=0.0)
        return Deviation(float(error), not np.array_equal(file, network))
    if np.array_equal(file, network):
        return Deviation(0.0, False)
    relative, part = _tolerance(loose, file, network)
    wide = np.float64 if file.dtype == np.float64 else np.float32
    one: Any = np.asarray(file, wide)
    other: Any = np.asarray(network, wide)
    with np.errstate(all="ignore"):
        errors, size = np.abs(one - other), np.abs(one)
        finite = np.isfinite(one)
        scale = max(float(size.max(initial=0.0, where=finite)), _SMALLEST)
        wrong = finite & ~(errors <= relative * size + part * scale)
        limit = float(np.finfo(np.float16 if file.dtype == np.float16 else np.float32).max) / 16
        wrong |= np.isinf(one) & (np.abs(other) < limit)
        largest = np.where(np.isnan(errors), np.inf, errors).max(initial=0.0, where=finite)
    return Deviation(float(largest), bool(wrong.any()))


def _rounds_half(layer: Layer) -> bool:
    """Whether a layer makes integers of quotients that 16 bits may round either way."""
    data = layer.inputs[0] if layer.inputs else None
    return layer.kind == "QUANTIZE" and data is not None and data.dtype in ("HALF", "BF16")


def _floating(array: Array) -> bool:
    return array.dtype.kind not in "iub"


def _words(file: Array, network: Array) -> tuple[str, str]:
    """Both facts: the shapes, or one element of each at the place where they differ most."""
    if file.shape != network.shape:
        return f"shape {_sizes(file.shape)}", f"shape {_sizes(network.shape)}"
    with np.errstate(all="ignore"):
        errors = np.abs(file.astype(np.float64) - network.astype(np.float64))
    at = np.unravel_index(int(np.where(np.isnan(errors), np.inf, errors).argmax()), file.shape) if file.shape else ()
    where = f" at [{','.join(map(str, at))}]"
    return f"{file[at]!s}{where}", f"{network[at]!s}{where}"


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"

"""The one room of onnxruntime.quantization: a calibrater in little memory, and the insertion of Q/DQ nodes.

onnxruntime's own histogram calibraters keep every activation of every image until they are asked for a range, have no
mean squared error, and by default search the entropy threshold of 128 bins for 128 levels, which leaves one candidate.
The calibrater here is fed one batch at a time and chooses by `safecheck.measure.quantize.clipping`.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from safecheck.errors import InputError
from safecheck.machine.onnxruntime import onnxruntime
from safecheck.machine.single_run import single_run
from safecheck.measure.quantize.clipping import threshold
from safecheck.measure.quantize.histogram import Histogram, NotFinite
from safecheck.text import printable

toolkit = onnxruntime("quantization")
calibration = onnxruntime("quantization.calibrate")
_Calibrater: Any = calibration.CalibraterBase

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""What NVIDIA's tensor cores do in INT8; weights of these are quantised per output channel."""
WIDER = (*PRODUCTS, "Add", "AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Resize")
"""What TensorRT has INT8 kernels for and onnxruntime knows how to surround with Q/DQ."""
_PAIR = ("QuantizeLinear", "DequantizeLinear")


def sites(proto: Any, operators: tuple[str, ...]) -> frozenset[str]:
    """Names of the nodes to quantise: those operators, with two exceptions.

    A constant that is added or multiplied is a bias or a factor, whose precision INT8 would take away, and TensorRT's
    parser refuses a pair on a scalar. A constant matrix has its output channels in its columns if it is the right
    operand and has two dimensions; others have no axis for their scales.
    """
    ranks = {tensor.name: len(tensor.dims) for tensor in proto.graph.initializer}

    def fits(node: Any) -> bool:
        if node.op_type == "MatMul":
            return node.input[0] not in ranks and ranks.get(node.input[1], 2) == 2
        return node.op_type not in ("Add", "Concat", "Mul") or not any(name in ranks for name in node.input)

    return frozenset(node.name for node in proto.graph.node if node.op_type in operators and fits(node))


class StreamingCalibrater(_Calibrater):
    """Histograms of all tensors that will be quantised, from one batch after the other."""

    def __init__(self, model: str, folder: str, chosen: frozenset[str], external: bool) -> None:
        augmented = str(Path(folder, "augmented.onnx"))
        super().__init__(Path(model), None, augmented, symmetric=True, use_external_data_format=external)
        self._chosen = chosen
        self.histograms: dict[str, Histogram] = {}
        self._watched: list[str] = []

    def select_tensors_to_calibrate(self, model: Any) -> tuple[set[str], dict[str, Any]]:
        """Only what the chosen nodes read: nothing is put behind a node."""
        tensors, infos = super().select_tensors_to_calibrate(model)
        read = {name for node in model.graph.node if node.name in self._chosen for name in node.input}
        return tensors & read, infos

    def augment_graph(self) -> None:
        """Make every tensor of interest an output, in a fixed order, and start the session."""
        tensors, infos = self.select_tensors_to_calibrate(self.model)
        inputs = {value.name for value in self.model.graph.input}
        outputs = {value.name for value in self.model.graph.output}
        self._watched = sorted(tensors)
        for name in self._watched:
            if name not in outputs and name not in inputs:
                self.model.graph.output.append(infos[name])
        onnx.save(self.model, self.augmented_model_path, save_as_external_data=self.use_external_data_format)
        self.model.Clear()  # the session has a copy of its own
        with single_run():
            self.create_inference_session()

    def collect_data(self, data_reader: Iterable[Mapping[str, Any]]) -> None:
        """Run each batch and count the values of its tensors; nothing else of it is kept.

        Raises:
            InputError: the model cannot run, or a tensor of it is not finite.
        """
        produced = {value.name for value in self.infer_session.get_outputs()}
        names = [name for name in self._watched if name in produced]
        for feeds in data_reader:
            try:
                with single_run():  # for no names it gives all
                    results = self.infer_session.run(names, dict(feeds)) if names else []
            except Exception as error:
                _refuse("", f"onnxruntime cannot run the model: {printable(str(error), 300)}", error)
            found = dict(zip(names, results, strict=True)) | {
                name: values for name, values in feeds.items() if name in self._watched
            }
            for name, values in found.items():
                try:
                    self.histograms.setdefault(name, Histogram()).add(values)
                except NotFinite as error:
                    _refuse(name, "the tensor holds a NaN or an infinity on a calibration image", error)

    def compute_data(self, choose: Callable[[Histogram], float] | None = None) -> Any:
        """The range of every tensor by the given choice of a threshold."""
        assert choose is not None
        ranges = {name: np.float32(choose(histogram)) for name, histogram in sorted(self.histograms.items())}
        return calibration.TensorsData(
            calibration.CalibrationMethod.MinMax,  # read for FP8 only: it says that these are ranges
            {name: calibration.TensorData(lowest=-limit, highest=limit) for name, limit in ranges.items()},
        )


def calibrate(
    model: str, folder: str, chosen: frozenset[str], batches: Iterable[Mapping[str, Any]], method: str,
    percentile: float, external: bool,
) -> Any:  # fmt: skip
    """Ranges of what those nodes read, over all batches; `folder` is for files that may be thrown away.

    Raises:
        InputError: onnxruntime cannot run the model.
    """
    with quiet():
        calibrater = StreamingCalibrater(model, folder, chosen, external)
        try:
            calibrater.augment_graph()
        except Exception as error:
            _refuse("", f"onnxruntime cannot load the model: {printable(str(error), 300)}", error)
        calibrater.collect_data(batches)
        return calibrater.compute_data(lambda histogram: threshold(histogram, method, percentile))


def inferred(model: str) -> Any:
    """The model in a file with the types and shapes of its tensors; a second file beside it comes and goes."""
    with quiet(), single_run():
        return onnxruntime("quantization.quant_utils").load_model_with_shape_infer(Path(model))


def insert(proto: Any, ranges: Any, chosen: frozenset[str]) -> Any:
    """The model with QuantizeLinear and DequantizeLinear before the inputs of those nodes; weights stay float.

    As TensorRT's explicit quantisation wants it: INT8 with zero point 0, weights per channel with a pair of their own,
    biases untouched, no pair after an operator, and one pair per reader.
    """
    operators = sorted({node.op_type for node in proto.graph.node if node.name in chosen})
    with quiet():
        quantiser = onnxruntime("quantization.qdq_quantizer").QDQQuantizer(
            proto, True, False, toolkit.QuantType.QInt8, toolkit.QuantType.QInt8, ranges, sorted(chosen), [], operators,
            {
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "AddQDQPairToWeight": True,
                "QuantizeBias": False,
                "DedicatedQDQPair": True,
                "ForceQuantizeNoInputCheck": True,  # or pools and resizes are left out
                "QDQKeepRemovableActivations": True,
                "OpTypesToExcludeOutputQuantization": operators,
            },
        )  # fmt: skip
        quantiser.quantize_model()
        _give_back(proto.graph.node, chosen)
        quantiser.model.topological_sort()
    return proto


def _give_back(nodes: Any, chosen: frozenset[str]) -> None:
    """Let every other node read what it read before.

    The quantiser hands the result of a pair to all readers of the tensor: a residual addition beside a convolution
    would be rounded to INT8 as well.
    """
    makers = {node.output[0]: node for node in nodes if node.op_type in _PAIR}
    for node in nodes:
        if node.name in chosen or node.op_type in _PAIR:
            continue
        for position, name in enumerate(node.input):
            if name in makers:
                node.input[position] = makers[makers[name].input[0]].input[0]


@contextlib.contextmanager
def quiet() -> Any:
    """Neither prints nor log lines of the library: standard output is for results."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        root.setLevel(level)


def _refuse(where: str, what: str, error: Exception) -> None:
    todo = "run `safecheck fix` first, or quantise another export"
    raise InputError("SC-QUANT-RUN", printable(where, 100), what, todo) from error

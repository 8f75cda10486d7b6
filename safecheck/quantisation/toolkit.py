"""The one room of onnxruntime.quantization: a calibrater in little memory, and the insertion of Q/DQ nodes.

onnxruntime's own histogram calibraters keep every activation of every image until they are asked for a range, have no
mean squared error, and by default search the entropy threshold of 128 bins for 128 levels, which leaves one candidate.
The calibrater here is fed one batch at a time and chooses by `safecheck.quantisation.clipping`.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # noqa: TID251 - onnxruntime.quantization needs the whole package
import onnxruntime.quantization as toolkit
from onnxruntime.quantization.calibrate import (
    CalibraterBase,
    CalibrationMethod,
    TensorData,
    TensorsData,
)
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer

from safecheck.errors import InputError
from safecheck.escape import printable
from safecheck.quantisation.clipping import threshold
from safecheck.quantisation.histogram import Histogram, NotFinite

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""What NVIDIA's tensor cores do in INT8; weights of these are quantised per output channel."""
WIDER = (*PRODUCTS, "Add", "AveragePool", "Concat", "GlobalAveragePool", "MaxPool", "Mul", "Resize")
"""What TensorRT has INT8 kernels for and onnxruntime knows how to surround with Q/DQ."""
_CHANNEL_AXES = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0, "MatMul": 1}


class StreamingCalibrater(CalibraterBase):
    """Histograms of all tensors that will be quantised, from one batch after the other."""

    def __init__(self, model: str, folder: str, operators: tuple[str, ...], external: bool) -> None:
        super().__init__(
            Path(model), operators, str(Path(folder, "augmented.onnx")), symmetric=True,
            use_external_data_format=external,
        )  # fmt: skip
        self.histograms: dict[str, Histogram] = {}
        self._watched: list[str] = []

    def select_tensors_to_calibrate(self, model: Any) -> tuple[set[str], dict[str, Any]]:
        """Only what the operators read: nothing is put behind an operator."""
        tensors, infos = super().select_tensors_to_calibrate(model)
        read = {name for node in model.graph.node if node.op_type in self.op_types_to_calibrate for name in node.input}
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
        self.create_inference_session()

    def collect_data(self, data_reader: Iterable[Mapping[str, Any]]) -> None:
        """Run each batch and count the values of its tensors; nothing else of it is kept.

        Raises:
            InputError: the model cannot run, or a tensor of it is not finite.
        """
        produced = {value.name for value in self.infer_session.get_outputs()}
        names = [name for name in self._watched if name in produced]
        if not self._watched:
            return
        for feeds in data_reader:
            try:
                results = self.infer_session.run(names, dict(feeds))
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

    def compute_data(self, choose: Callable[[Histogram], float] | None = None) -> TensorsData:
        """The range of every tensor by the given choice of a threshold."""
        assert choose is not None
        ranges = {name: np.float32(choose(histogram)) for name, histogram in sorted(self.histograms.items())}
        return TensorsData(
            CalibrationMethod.MinMax,  # read for FP8 only: it says that these are ranges
            {name: TensorData(lowest=-limit, highest=limit) for name, limit in ranges.items()},
        )


def calibrate(
    model: str, folder: str, operators: tuple[str, ...], batches: Iterable[Mapping[str, Any]], method: str,
    percentile: float, external: bool,
) -> TensorsData:  # fmt: skip
    """Ranges of the tensors around those operators, over all batches; `folder` is for files that may be thrown away.

    Raises:
        InputError: onnxruntime cannot run the model.
    """
    with quiet():
        calibrater = StreamingCalibrater(model, folder, operators, external)
        try:
            calibrater.augment_graph()
        except Exception as error:
            _refuse("", f"onnxruntime cannot load the model: {printable(str(error), 300)}", error)
        calibrater.collect_data(batches)
        return calibrater.compute_data(lambda histogram: threshold(histogram, method, percentile))


def inferred(model: str) -> Any:
    """The model in a file with the types and shapes of its tensors; a second file beside it comes and goes."""
    with quiet():
        return load_model_with_shape_infer(Path(model))


def insert(proto: Any, ranges: TensorsData, operators: tuple[str, ...]) -> Any:
    """The model with QuantizeLinear and DequantizeLinear before the inputs of the operators; weights stay float.

    As TensorRT's explicit quantisation wants it: INT8 with zero point 0, weights per channel with a pair of their own,
    biases untouched, no pair after an operator, and one pair per reader.
    """
    with quiet():
        quantiser = QDQQuantizer(
            proto, True, False, toolkit.QuantType.QInt8, toolkit.QuantType.QInt8, ranges, [], [], list(operators),
            {
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "AddQDQPairToWeight": True,
                "QuantizeBias": False,
                "DedicatedQDQPair": True,
                "ForceQuantizeNoInputCheck": True,  # or pools and resizes are left out
                "QDQKeepRemovableActivations": True,
                "OpTypesToExcludeOutputQuantization": list(operators),
                "QDQOpTypePerChannelSupportToAxis": _CHANNEL_AXES,
            },
        )  # fmt: skip
        quantiser.quantize_model()
        _give_back(proto.graph.node, operators)
        quantiser.model.topological_sort()
    return proto


def _give_back(nodes: Any, operators: tuple[str, ...]) -> None:
    """Let every other operator read what it read before.

    The quantiser hands the result of a pair to all readers of the tensor: a residual addition beside a convolution
    would be rounded to INT8 as well.
    """
    makers = {node.output[0]: node for node in nodes if node.op_type in ("QuantizeLinear", "DequantizeLinear")}
    for node in nodes:
        if node.op_type in operators or node.op_type in ("QuantizeLinear", "DequantizeLinear"):
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

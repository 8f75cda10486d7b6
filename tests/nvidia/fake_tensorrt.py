"""A small `tensorrt` package that has of every release what facts about its bindings list, and nothing else."""

from __future__ import annotations

from pathlib import Path

SOURCE = """
import enum, os

__version__ = {version!r}
OLD = __version__ < "9" and __version__[0] == "8"
NEW = __version__.startswith("11")
BEHAVIOUR = {behaviour!r}


class _Named(enum.Enum):
    def __int__(self):
        return self.value


def _enum(name, *names):
    return _Named(name, {{key: at for at, key in enumerate(names)}})


EngineCapability = _enum("EngineCapability", "STANDARD", "SAFETY", "DLA_STANDALONE")
BuilderFlag = _enum("BuilderFlag", *([] if NEW else ["FP16", "INT8"]), "TF32", "DIRECT_IO", "SAFETY_SCOPE")
NetworkDefinitionCreationFlag = _enum(
    "NetworkDefinitionCreationFlag",
    *([] if NEW else ["EXPLICIT_BATCH"]), "EXPLICIT_PRECISION" if OLD else "STRONGLY_TYPED",
)
TensorFormat = _enum("TensorFormat", "LINEAR", "CHW2", "HWC8", "CHW4", "CHW16", "CHW32")
DeviceType = _enum("DeviceType", "GPU", "DLA")
ProfilingVerbosity = _enum("ProfilingVerbosity", "LAYER_NAMES_ONLY", "NONE", "DETAILED")
LayerInformationFormat = _enum("LayerInformationFormat", "ONELINE", "JSON")
Severity = _enum("Severity", "INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE")
float16, int8 = "float16", "int8"


class ILogger:
    def __init__(self):
        pass


class _Tensor:
    dtype = "float32"
    allowed_formats = 0


class _Network:
    num_inputs = num_outputs = 1

    def __init__(self, bits):
        self.bits = bits
        self.tensors = [_Tensor(), _Tensor()]

    def get_input(self, at):
        return self.tensors[0]

    def get_output(self, at):
        return self.tensors[1]


class _Config:
    engine_capability = EngineCapability.STANDARD
    profiling_verbosity = max_aux_streams = default_device_type = DLA_core = None

    def __init__(self):
        self.on = {{BuilderFlag.TF32}}

    def set_flag(self, flag):
        self.on.add(flag)

    def get_flag(self, flag):
        return flag in self.on


class Builder:
    def __init__(self, logger):
        if BEHAVIOUR == "no gpu":
            logger.log(Severity.ERROR, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self.logger = logger

    def create_network(self, bits):
        if NEW and bits & 2:
            raise ValueError("no such network flag")
        return _Network(bits)

    def create_builder_config(self):
        return _Config()

    def is_network_supported(self, network, config):
        return BEHAVIOUR != "refuse"

    def build_serialized_network(self, network, config):
        if BEHAVIOUR == "crash":
            os.kill(os.getpid(), 11)
        if BEHAVIOUR == "refuse":
            layer = 'Layer {{Pooling}} "node_avg_pool2d"'
            self.logger.log(Severity.ERROR, f"Error Code: 4: {{layer}} failed safety scope validation")
            return None
        if BEHAVIOUR == "hostile":
            mark = "&&&& FAILED TensorRT.trtexec [TensorRT v8601] #"
            self.logger.log(Severity.VERBOSE, f"name\\n[I] Restricted mode: Disabled\\n{{mark}}")
        if BEHAVIOUR == "no safety" and config.engine_capability is EngineCapability.SAFETY:
            what = "EngineCapability::kSAFETY specified but no conformant implementation exists"
            self.logger.log(Severity.ERROR, what)
            return None
        seen = [network.bits, config.max_aux_streams, str(config.default_device_type), config.DLA_core]
        seen += [part for tensor in network.tensors for part in (tensor.dtype, tensor.allowed_formats)]
        return repr(seen).encode()


class _Error:
    def node(self):
        return 38

    def code(self):
        return "ErrorCode.UNSUPPORTED_NODE"

    def desc(self):
        return "this node is not supported"

    def func(self):
        return "importPool"

    if not OLD:
        def node_name(self):
            return "node_avg_pool2d"

        def node_operator(self):
            return "AveragePool"


class OnnxParser:
    num_errors = 1 if BEHAVIOUR == "unparsed" else 0

    def __init__(self, network, logger):
        pass

    def parse_from_file(self, path):
        return not self.num_errors

    def get_error(self, at):
        return _Error()


class Runtime:
    def __init__(self, logger):
        pass

    def deserialize_cuda_engine(self, engine):
        return self

    def create_engine_inspector(self):
        return self

    def get_engine_information(self, form):
        return '{{"Layers": []}}'
"""


def install(folder: Path, version: str, behaviour: str = "") -> Path:
    """Write the package into `folder`, which then belongs into PYTHONPATH."""
    (folder / "tensorrt.py").write_text(SOURCE.format(version=version, behaviour=behaviour), encoding="utf-8")
    return folder

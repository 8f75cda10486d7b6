"""Build with the Python package `tensorrt`: a program of its own, and the only place that imports it.

It runs in a child process, because a builder that crashes takes its process along, and with nothing but the standard
library, because TensorRT 8.6 exists for Python 3.10 and older only. Standard input is one JSON object:

    {"plan": BuildPlan, "model": PATH, "engine": PATH, "layers": PATH}

Standard output is a log in the form of trtexec's. With `--version`, it is the version of the package and nothing is
read. Exit codes: 0 built, 1 refused or failed, 3 there is no TensorRT, 4 the builder does not start (no GPU).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from typing import Any

NO_PACKAGE = 3
NO_GPU = 4
_ERRORS = ("INTERNAL_ERROR", "ERROR")


def say(severity: str, text: str, library: bool = False) -> None:
    """One line of the log; line ends inside become spaces, so that no name can imitate a line."""
    line = " ".join(str(text).splitlines())
    sys.stdout.write(f"[{severity}] {'[TRT] ' if library else ''}{line}\n")


def mark(word: str, version: str) -> None:
    """The lines that trtexec begins and ends with."""
    numbers = [int(part) for part in version.split(".") if part.isdigit()]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    code = major * 10000 + minor * 100 + patch if major >= 10 else major * 1000 + minor * 100 + patch
    sys.stdout.write(f"&&&& {word} TensorRT.safecheck [TensorRT v{code}] # safecheck build\n")


def gpu_name() -> str:
    """The name of the first GPU, asked of the driver; empty if there is none."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        name = ctypes.create_string_buffer(128)
        if driver.cuInit(0) == 0 and driver.cuDeviceGetName(name, 128, 0) == 0:
            return name.value.decode("utf-8", "replace")
    except OSError:
        pass
    return ""


def logger_of(trt: Any) -> Any:
    """A logger that writes every message to standard output. There is one per process: a second one is ignored."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            name = str(severity).rpartition(".")[2]
            say("E" if name in _ERRORS else name[:1], message, library=True)

    return Log()


def parsed(trt: Any, network: Any, logger: Any, model: str) -> Any:
    """The parser after it has filled the network; None if it refused, with every reason in the log."""
    parser = trt.OnnxParser(network, logger)
    if hasattr(parser, "parse_from_file"):
        fine = parser.parse_from_file(model)
    else:
        with open(model, "rb") as file:
            fine = parser.parse(file.read())
    if fine and not parser.num_errors:
        return parser
    for number in range(parser.num_errors):
        error = parser.get_error(number)
        name = error.node_name() if hasattr(error, "node_name") else ""
        operator = error.node_operator() if hasattr(error, "node_operator") else ""
        place = f"In node {error.node()} with name: {name} and operator: {operator or 'unknown'} ({error.func()})"
        say("E", f"{place}: {str(error.code()).rpartition('.')[2]}: {error.desc()}")
    say("E", "Failed to parse onnx file")
    return None


def configured(trt: Any, builder: Any, network: Any, plan: dict[str, Any]) -> Any:
    """The builder configuration of a plan. Names that this release does not have are said, and not in force."""
    config = builder.create_builder_config()
    config.engine_capability = getattr(trt.EngineCapability, plan["capability"])
    for name in plan["flags"]:
        flag = getattr(trt.BuilderFlag, name, None)
        if flag is None:
            say("W", f"this release has no BuilderFlag.{name}")
        else:
            config.set_flag(flag)
    if plan["aux_streams"] is not None and hasattr(config, "max_aux_streams"):
        config.max_aux_streams = plan["aux_streams"]
    if plan["dla_core"] is not None:
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = plan["dla_core"]
    if hasattr(config, "profiling_verbosity"):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    tensors = [network.get_input(at) for at in range(network.num_inputs)]
    tensors += [network.get_output(at) for at in range(network.num_outputs)]
    for tensor, port in zip(tensors, plan["inputs"] + plan["outputs"]):  # noqa: B905 - Python 3.8
        if port["type"] != "as declared":
            tensor.dtype = {"fp16": trt.float16, "int8": trt.int8}[port["type"]]
        tensor.allowed_formats = 1 << int(getattr(trt.TensorFormat, port["format"].upper()))
    return config


def tell_options(trt: Any, config: Any, plan: dict[str, Any], strong: bool) -> None:
    """What is in force, read back from the configuration, in the words of trtexec."""
    capability = str(config.engine_capability).rpartition(".")[2]
    flags = [name for name, flag in trt.BuilderFlag.__members__.items() if config.get_flag(flag)]
    weak = "+".join(["FP32", *(name for name in ("FP16", "INT8") if name in flags)])

    def enabled(value: bool) -> str:
        return "Enabled" if value else "Disabled"

    say("I", f"Precision: {'Strongly Typed' if strong else weak}")
    say("I", f"Safe mode: {enabled(capability in ('SAFETY', 'SAFE_GPU'))}")
    say("I", f"Build DLA standalone loadable: {enabled(capability in ('DLA_STANDALONE', 'SAFE_DLA'))}")
    say("I", f"DirectIO mode: {enabled('DIRECT_IO' in flags)}")
    say("I", f"Restricted mode: {enabled('SAFETY_SCOPE' in flags)}")
    say("I", f"Builder flags: {' '.join(sorted(flags))}")


def write_layers(trt: Any, logger: Any, engine: bytes, path: str) -> None:
    """What the inspector says about the layers of a standard engine; a safe engine cannot be loaded here."""
    try:
        loaded = trt.Runtime(logger).deserialize_cuda_engine(engine)
        text = loaded.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    except Exception as error:  # an engine without layer information is still an engine
        say("W", f"no layer information: {type(error).__name__}: {error}")
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def build(order: dict[str, Any]) -> int:
    """Carry out one plan; the exit code."""
    import tensorrt as trt

    plan = order["plan"]
    version = trt.__version__
    mark("RUNNING", version)
    say("I", f"TensorRT version: {'.'.join(version.split('.')[:3])}")
    say("I", f"Selected Device: {gpu_name()}")
    started = time.monotonic()
    logger = logger_of(trt)
    try:
        builder = trt.Builder(logger)
    except TypeError as error:  # the factory answers nullptr where CUDA does not start
        say("E", f"the builder does not start: {error}")
        mark("FAILED", version)
        return NO_GPU
    bits, strong = 0, False
    for name in plan["network_flags"]:
        flag = getattr(trt.NetworkDefinitionCreationFlag, name, None)
        if flag is not None:
            bits |= 1 << int(flag)
            strong = strong or name == "STRONGLY_TYPED"
    network = builder.create_network(bits)
    parser = parsed(trt, network, logger, order["model"])  # kept alive: it owns the weights
    serialized = None
    if parser is not None:
        config = configured(trt, builder, network, plan)
        tell_options(trt, config, plan, strong)
        if hasattr(builder, "is_network_supported"):
            say("I", f"Network supported: {bool(builder.is_network_supported(network, config))}")
        serialized = builder.build_serialized_network(network, config)
        if serialized is None:
            say("E", "Engine could not be created from network")
    if serialized is None:
        mark("FAILED", version)
        return 1
    engine = bytes(serialized)
    with open(order["engine"], "wb") as file:
        file.write(engine)
    say("I", f"Engine built in {time.monotonic() - started:.3f} sec.")
    say("I", f"Created engine with size: {len(engine) / (1 << 20):.6g} MiB")
    if plan["capability"] == "STANDARD":
        write_layers(trt, logger, engine, order["layers"])
    mark("PASSED", version)
    return 0


def main() -> int:
    """Answer `--version`, or build what standard input says."""
    # neither this folder nor the current one may stand in for a package
    here = ("", os.getcwd(), os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [part for part in sys.path if part not in here]
    try:
        if sys.argv[1:] == ["--version"]:
            import tensorrt as trt

            sys.stdout.write(trt.__version__)
            return 0
        return build(json.load(sys.stdin))
    except ImportError as error:
        say("E", f"no TensorRT: {error}")
        return NO_PACKAGE
    except Exception as error:
        say("E", f"{type(error).__name__}: {error}")
        return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # tearing the library down crashes in some releases

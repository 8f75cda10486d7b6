"""The two parts of the onnx package that an audit needs, without the rest of it.

`import onnx` costs about 280 ms of CPU time, most of it for numpy and helpers that an audit never calls. The generated
message classes and the C++ library (schemas, shape inference) load in a quarter of that. They are registered under
their own names, so a later `import onnx` in the same process finds and reuses them. Should onnx change its layout,
the ordinary import is the fallback: slower, same meaning.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from safecheck.errors import UsageError


def _submodule(name: str) -> ModuleType:
    """Load `onnx.<name>` by its file, leaving `onnx/__init__.py` alone."""
    qualified = f"onnx.{name}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    package = importlib.util.find_spec("onnx")
    locations = package.submodule_search_locations if package is not None else None
    spec: ModuleSpec | None = PathFinder.find_spec(qualified, list(locations)) if locations else None
    if spec is None or spec.loader is None or "onnx" in sys.modules:
        return importlib.import_module(qualified)
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[qualified]
        raise
    return module


@cache
def messages() -> Any:
    """The generated protobuf module (`ModelProto`, `TensorProto`, ...).

    Raises:
        UsageError: protobuf is the one in Python, which parses by recursion and otherwise than the native one.
    """
    module = _submodule("onnx_ml_pb2")
    if sys.modules["google.protobuf.internal.api_implementation"].Type() == "python":
        todo = "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, or install a wheel of protobuf for this machine"
        raise UsageError("SC-ENV-PROTOBUF", "protobuf", "the implementation in Python is in use", todo)
    return module


@cache
def library() -> Any:
    """The C++ extension (`defs`, `shape_inference`, `checker`)."""
    module = _submodule("onnx_cpp2py_export")
    assert isinstance(module.__loader__, ExtensionFileLoader)
    return module

"""The one way to onnxruntime: with its telemetry off, which is on from the moment of the import."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from safecheck.errors import SafecheckError


def onnxruntime(module: str = "") -> Any:
    """The package, or a module of it such as `quantization.calibrate`.

    Without the variable the import writes a database with an identifier of the machine into the user's cache folder,
    sessions add model names to it, and a thread sends it; the function that the package has against that comes late.

    Raises:
        SafecheckError: SC-ENV-ORT, it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        package = import_module("onnxruntime")
    except ImportError as error:
        raise SafecheckError(
            "SC-ENV-ORT", "", "onnxruntime is needed to prove a rewrite", "run: pip install onnxruntime"
        ) from error
    package.set_default_logger_severity(4)
    package.disable_telemetry_events()  # for a caller who had imported it before
    return import_module(f"onnxruntime.{module}") if module else package

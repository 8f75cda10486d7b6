"""Models that can be run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecheck.machine.onnxruntime import onnxruntime
from safecheck.machine.single_run import single_run

_SLOW = ["ConstantSharing"]
"""Lets equal constants share memory, which changes no result, in time that grows with their number squared."""


class RunError(Exception):
    """onnxruntime cannot load or run a model; the text is its own."""


class Session:
    """A model that can be run on the CPU.

    Optimisations are off unless asked for: they rewrite the graph themselves; a proof is about the graph as written.
    External data of a model that is given by its content are looked for in `folder`.
    """

    def __init__(self, model: bytes | str, optimised: bool = False, folder: str | None = None) -> None:
        ort = onnxruntime()
        candidates = ort.SessionOptions()
        candidates.log_severity_level = 4
        level = ort.GraphOptimizationLevel
        candidates.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
        candidates.use_deterministic_compute = True
        candidates.add_session_config_entry("session.use_env_allocators", "0")
        if folder is not None:
            if not optimised:  # what is mapped stays so: rearranged weights would be a copy of every one
                candidates.add_session_config_entry("session.disable_prepacking", "1")
            candidates.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            with single_run():
                self._session = ort.InferenceSession(
                    model, candidates, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW
                )
        except Exception as error:  # onnxruntime has a dozen exception classes without a common base of its own
            raise RunError(str(error)) from error

    @property
    def outputs(self) -> list[str]:
        """Names of the results in order."""
        return [value.name for value in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, Any]) -> list[Any]:
        """The results in order, as arrays.

        Raises:
            RunError: a node failed.
        """
        try:
            with single_run():
                return list(self._session.run(None, dict(feeds)))
        except Exception as error:
            raise RunError(str(error)) from error


def version() -> str:
    """The version of onnxruntime that proofs were made with."""
    return str(onnxruntime().__version__)

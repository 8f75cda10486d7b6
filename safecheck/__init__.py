"""safecheck: would TensorRT's restricted mode build this ONNX model, and if not, why not.

From Python (docs/api.md): `audit_model`, `fix_model`, `compare_models`, `graph_of` and `load_profile`. Nothing is
loaded before it is asked for, so that `import safecheck` costs nothing.
"""

from __future__ import annotations

__version__ = "0.2.0"

TYPE_CHECKING = False  # as type checkers know it; the module `typing` would cost more than all of this
if TYPE_CHECKING:
    from safecheck.audit.report import Report as Report
    from safecheck.errors import InputError as InputError
    from safecheck.errors import RuleFileError as RuleFileError
    from safecheck.errors import SafecheckError as SafecheckError
    from safecheck.errors import UsageError as UsageError
    from safecheck.finding import Finding as Finding
    from safecheck.finding import ModelVerdict as ModelVerdict
    from safecheck.finding import Verdict as Verdict
    from safecheck.usecases.python import audit_model as audit_model
    from safecheck.usecases.python import compare_models as compare_models
    from safecheck.usecases.python import fix_model as fix_model
    from safecheck.usecases.python import graph_of as graph_of
    from safecheck.usecases.python import load_profile as load_profile

_HOMES = {
    "audit_model": "usecases.python",
    "compare_models": "usecases.python",
    "fix_model": "usecases.python",
    "graph_of": "usecases.python",
    "load_profile": "usecases.python",
    "Finding": "finding",
    "InputError": "errors",
    "ModelVerdict": "finding",
    "Report": "audit.report",
    "RuleFileError": "errors",
    "SafecheckError": "errors",
    "UsageError": "errors",
    "Verdict": "finding",
}
"""Public name -> the module that defines it."""
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'safecheck' has no attribute '{name}'")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"safecheck.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    """The public names and what is loaded."""
    return sorted({*globals(), *__all__})

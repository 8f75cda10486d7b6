"""Is a node what ONNX allows at all? Asked before any rule: what is no network is neither compliant nor refused."""

from __future__ import annotations

from typing import NamedTuple

from safecheck.errors import InputError
from safecheck.ir.ambiguity import NOT_ALLOWED
from safecheck.ir.signature import Signature

OPERAND = "SC-ONNX-OPERAND"


class Violation(NamedTuple):
    """What ONNX forbids about a node."""

    code: str
    """`SC-ONNX-SCHEMA` against the operator's schema, `SC-ONNX-OPERAND` where operands do not fit each other."""
    what: str
    """Operand or attribute, and both facts that contradict each other."""

    def error(self, where: str) -> InputError:
        """The refusal of a network with such a node; `where` is printable."""
        return InputError(self.code, where, self.what, NOT_ALLOWED)


class Validity:
    """What ONNX forbids about the nodes of a network; schemas know no sizes, so they are asked once for every form."""

    def __init__(self) -> None:
        self._breaches: dict[object, str | None] = {}

    def violation(self, node: Signature, form: object) -> Violation | None:
        """The first thing that ONNX forbids about nodes of this signature; None if nothing that is known.

        `form` is what the node is `without_sizes`. Total: a fact that is not known forbids nothing. Operators of other
        domains, and those that the operator set does not define, are not looked at: what they mean is for the rules to
        say.
        """
        from safecheck.ir.validity.operands import misfit
        from safecheck.ir.validity.schema import breach

        if form not in self._breaches:
            self._breaches[form] = breach(node)
        if (what := self._breaches[form]) is not None:
            return Violation("SC-ONNX-SCHEMA", what)
        if (what := misfit(node)) is not None:
            return Violation(OPERAND, what)
        return None


def violation(node: Signature) -> Violation | None:
    """The same of a node alone."""
    return Validity().violation(node, None)


def contradiction(node: Signature) -> Violation | None:
    """How a node of the network itself contradicts what inference makes of a computed target; None if it does not.

    It is no word on the body of a loop, of which inference follows one turn.
    """
    if node.op_type != "Reshape":
        return None
    from safecheck.ir.validity.movement import computed_volume
    from safecheck.ir.validity.view import Operands
    from safecheck.ir.walk import is_standard

    what = next(computed_volume(Operands(node)), None) if is_standard(node) else None
    return None if what is None else Violation(OPERAND, what)

"""A build plan for people, and the trtexec line that carries it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecheck.nvidia.plan import Port
from safecheck.text import printable
from safecheck.usecases.build import Planned


def document(planned: Planned) -> str:
    """The whole text; the line is never wrapped, for it is pasted."""
    return "".join(f"{line}\n" for line in _lines(planned))


def _lines(planned: Planned) -> Iterator[str]:
    plan = planned.plan
    yield f"Plan for {plan.profile}, by TensorRT {plan.release}"
    yield f"  capability      EngineCapability.{plan.capability}"
    yield f"  builder flags   {' '.join(plan.flags) or 'none'}"
    yield f"  network flags   {' '.join(plan.network_flags) or 'none'}"
    yield f"  precision       {plan.precision}"
    yield f"  batch           {'none' if plan.batch is None else plan.batch}"
    yield f"  inputs          {_ports(plan.inputs)}"
    yield f"  outputs         {_ports(plan.outputs)}"
    yield "  profile         none: shapes are static"
    yield f"  scope checked   {plan.scope if plan.scope_checked else 'no: ' + plan.note}"
    yield ""
    yield planned.command


def _ports(ports: Sequence[Port]) -> str:
    return ", ".join(f"{printable(port.name, 60)} ({port.type}, {port.format})" for port in ports)

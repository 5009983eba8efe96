"""Why the version cannot be named."""

from __future__ import annotations

from moorage_operator.api.problem import Problem
from moorage_operator.api.records import Resolved
from moorage_operator.errors import Fault, RegistryFault


def resolution_problem(fault: Fault | None, meaning: Resolved | None) -> Problem | None:
    """An outage is no problem while an earlier answer stands; any other no is one."""
    if fault is None:
        return None
    outage = isinstance(fault, RegistryFault) and fault.outage
    if outage and meaning is not None:
        return None
    return Problem(fault.reason, fault.message, terminal=not outage)

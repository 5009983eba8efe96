"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from moorage_runtime.errors import RuntimeFault

FAILED = 1
MISUSED = 2


def tell_unused(fields: Sequence[str], where: str = "without a cluster") -> None:
    """Say on stderr which fields of a resource change nothing here."""
    if fields:
        sys.stderr.write(f"moorage: {where} these have no effect: {', '.join(fields)}\n")


def tell(fault: RuntimeFault) -> int:
    """Say on stderr what is wrong and what to do; gives the exit code."""
    sys.stderr.write(f"moorage: {fault.reason}: {fault.message}\n")
    return FAILED

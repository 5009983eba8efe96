"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

import sys

from moorage_runtime.errors import RuntimeFault

FAILED = 1
MISUSED = 2


def tell(fault: RuntimeFault) -> int:
    """Say on stderr what is wrong and what to do; gives the exit code."""
    sys.stderr.write(f"moorage: {fault.reason}: {fault.message}\n")
    return FAILED

"""Shares as people write them: 1%, 0.5%, 100%."""

from __future__ import annotations

import re

from moorage_operator.api.conditions import Reason
from moorage_operator.api.frozen import cel
from moorage_operator.errors import SpecFault

PATTERN = r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)%$"


def share(text: str, field: str) -> float:
    """The share between 0 and 1. Raises SpecFault naming `field` (a path such as spec.x) when the text is none."""
    if re.fullmatch(PATTERN, text) is None:
        raise SpecFault(
            Reason.INVALID_QUANTITY, f"{field}: {text[:40]!r} is not a share; write for example 1%, 0.5% or 100%."
        )
    return float(text.removesuffix("%")) / 100


def shared(field: str) -> dict[str, str]:
    """The CEL rule of a share."""
    return cel(f"self.matches(r'{PATTERN}')", f"{field} must be a share between 0% and 100%, for example 1% or 0.5%")

"""Quantities as Kubernetes writes them: 100m, 0.5, 2, 512Mi, 1e3. Equal amounts may be written differently."""

from __future__ import annotations

import re
from decimal import Decimal

from moorage_operator.api.conditions import Reason
from moorage_operator.errors import SpecFault

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?", re.ASCII
)


def parse_quantity(value: int | float | str) -> Decimal:
    """The amount in units (cores, bytes, pieces). Raises SpecFault when the text is no quantity."""
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        raise SpecFault(
            Reason.INVALID_QUANTITY, f"{str(value)[:40]!r} is not a quantity; write for example 500m, 2, 512Mi or 4Gi."
        )
    number, suffix, exponent = Decimal(found[1]), found[2] or "", found[3]
    if exponent is not None:
        return number.scaleb(int(exponent))
    if suffix in _BINARY:
        return number * Decimal(2 ** _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix])


def same_quantity(a: object, b: object) -> bool:
    """Whether both are quantities of the same amount, or simply equal: 100m and 0.1 are, 1Gi and 1G are not."""
    if a == b:
        return True
    amounts = (_amount(a), _amount(b))
    return amounts[0] is not None and amounts[0] == amounts[1]


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_quantity(value)
    except SpecFault:
        return None

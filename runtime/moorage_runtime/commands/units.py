"""Durations and quantities as a ModelDeployment writes them: 250ms, 1m30s; 64Mi, 1G, 1000."""

from __future__ import annotations

import re

from moorage_runtime import durations
from moorage_runtime.errors import RuntimeFault

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_BYTES = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


def seconds(text: object, field: str) -> float:
    """A duration in seconds. Raises `RuntimeFault` SpecInvalid naming `field`."""
    found = durations.seconds(text) if isinstance(text, str) else None
    if found is None:
        raise RuntimeFault("SpecInvalid", f"{field}: {text!r} is no duration; write for example 500ms, 5s or 1m30s")
    return found


def size(text: object, field: str) -> int:
    """A quantity of bytes. Raises `RuntimeFault` SpecInvalid naming `field`."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None or isinstance(text, bool):
        raise RuntimeFault("SpecInvalid", f"{field}: {text!r} is no quantity of bytes; write for example 64Mi")
    return int(float(found[1]) * _BYTES[found[2] or ""])

"""How an answer was come by; the value of the `x-cache` header. BYPASS is for calls that are not admitted at all."""

from __future__ import annotations

HIT = "HIT"
MISS = "MISS"
COALESCED = "COALESCED"
BYPASS = "BYPASS"

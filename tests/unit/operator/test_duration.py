from __future__ import annotations

import pytest

from moorage_operator.api.duration import duration_seconds
from moorage_operator.errors import SpecFault


@pytest.mark.parametrize(
    ("text", "seconds"), [("1ms", 0.001), ("5s", 5.0), ("1.5s", 1.5), ("1m30s", 90.0), ("1h", 3600.0), ("0s", 0.0)]
)
def test_reads(text: str, seconds: float) -> None:
    assert duration_seconds(text, "spec.timeout") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 s", "1.s", "5sec", "1d", "5s\n", "12345678s", "٣s"])
def test_refuses_with_field_and_cure(text: str) -> None:
    with pytest.raises(SpecFault) as refused:
        duration_seconds(text, "spec.timeout")
    assert refused.value.message == f"spec.timeout: {text!r} is not a duration; write for example 500ms, 5s or 1m30s."

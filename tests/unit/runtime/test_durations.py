"""One grammar of durations: what the schema lets in, the laptop and the header read, to the same number."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moorage_operator.api.duration import duration_seconds
from moorage_operator.errors import SpecFault
from moorage_runtime import durations

TERMS = st.tuples(st.decimals(0, 99_999_999, places=2).map(str), st.sampled_from(["ms", "s", "m", "h", "d", ""]))


@given(st.lists(TERMS.map("".join), max_size=5).map("".join) | st.text("0123456789.msh -", max_size=9))
@example("1m30s")
@example("1.5s")
@example("12345678s")
@example("1s1s1s1s1s")
@example("٣s")
@example("5s\n")
def test_the_operator_and_the_runtime_read_alike(text: str) -> None:
    try:
        wanted = duration_seconds(text, "field")
    except SpecFault:
        assert durations.seconds(text) is None
    else:
        assert durations.seconds(text) == wanted


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60.0, "60 s"), (0.1004, "0.1 s"), (0.001, "0.001 s"), (0.0004, "400 us"), (1e-6, "1 us"), (1e-9, "1 us")],
)
def test_a_duration_is_told_as_no_less_than_it_is(seconds: float, text: str) -> None:
    assert durations.told(seconds) == text


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.25", 0.25), ("0", 0.0), ("1m30s", 90.0)])
def test_a_number_alone_is_seconds_where_that_is_allowed(text: str, seconds: float) -> None:
    assert durations.seconds(text, bare=True) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e3", "inf", "nan", "1m30", "0x1", ".5", "5."])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert durations.seconds(text, bare=True) is None
    assert durations.seconds(text) is None

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_operator.api.quantity import parse_quantity, same_quantity
from moorage_operator.errors import SpecFault


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100m", "0.1"),
        (2, "2"),
        (0.5, "0.5"),
        ("2.", "2"),
        (".5", "0.5"),
        ("-1", "-1"),
        ("+3k", "3000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1E", "1000000000000000000"),
        ("1e3", "1000"),
        ("1E-2", "0.01"),
        ("5u", "0.000005"),
        ("7n", "0.000000007"),
        ("1Ei", "1152921504606846976"),
    ],
)
def test_reads(text: str | float, amount: str) -> None:
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "m", "1GB", "1 Gi", "1gi", "0x1", "1e", "1_000", "٣", "nan", "1mm", "--1"])
def test_refuses_what_kubernetes_refuses(text: str) -> None:
    with pytest.raises(SpecFault) as refused:
        parse_quantity(text)
    assert refused.value.message == f"{text!r} is not a quantity; write for example 500m, 2, 512Mi or 4Gi."


@pytest.mark.parametrize(("a", "b"), [("0.1", "100m"), (1, "1000m"), ("1Gi", "1024Mi"), ("x", "x"), (None, None)])
def test_same(a: object, b: object) -> None:
    assert same_quantity(a, b)
    assert same_quantity(b, a)


@pytest.mark.parametrize(("a", "b"), [("1Gi", "1G"), ("100m", "100"), ("x", "y"), (None, "0"), (True, "1"), ("1", "x")])
def test_not_same(a: object, b: object) -> None:
    assert not same_quantity(a, b)
    assert not same_quantity(b, a)


@given(st.integers(0, 10**15))
def test_every_way_to_write_it_is_the_same(milli: int) -> None:
    assert same_quantity(f"{milli}m", str(Decimal(milli) / 1000))
    assert same_quantity(milli, f"{milli}000m")
    assert not same_quantity(f"{milli}m", f"{milli + 1}m")

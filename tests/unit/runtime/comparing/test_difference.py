"""What counts as the same answer, for any tensors: laws that a comparison must keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from moorage_runtime.comparing import difference
from moorage_runtime.comparing.told import Tensor
from moorage_runtime.config import Compare

ANY = st.floats(allow_nan=True, allow_infinity=True)
FINITE = st.floats(-1e6, 1e6, width=32)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, max_side=4)
RULE = Compare(tolerance=1e-4)
RANKED = Compare(tolerance=1e-4, top_k=2)


def tensor(array: Any, name: str = "y", datatype: str = "FP64") -> Tensor:
    return Tensor(name, name, datatype, np.asarray(array))


def doubles(elements: st.SearchStrategy[float] = ANY) -> st.SearchStrategy[Any]:
    return arrays.arrays(np.float64, SHAPES, elements=elements)


def differ(other: Any, own: Any, rule: Compare = RULE) -> str | None:
    return difference.between([tensor(other)], [tensor(own)], rule)


@given(doubles(), st.sampled_from([RULE, RANKED]))
def test_an_answer_is_the_same_as_itself_whatever_it_holds(array: Any, rule: Compare) -> None:
    assert differ(array, array.copy(), rule) is None


@given(st.data(), st.sampled_from([RULE, RANKED, Compare(tolerance=0.5), Compare(tolerance=0.5, top_k=1)]))
def test_who_is_asked_first_does_not_matter(data: st.DataObject, rule: Compare) -> None:
    left = data.draw(doubles())
    right = data.draw(arrays.arrays(np.float64, left.shape, elements=ANY))
    assert (differ(left, right, rule) is None) == (differ(right, left, rule) is None)


@given(doubles(FINITE), st.floats(-0.99, 0.99))
def test_what_is_nearer_than_the_tolerance_is_the_same(array: Any, part: float) -> None:
    assert differ(array + part * 1e-4 * np.maximum(1.0, np.abs(array)), array) is None


@given(doubles(FINITE), st.data())
def test_one_number_beyond_the_tolerance_is_found_and_named(array: Any, data: st.DataObject) -> None:
    assume(array.size)
    place = data.draw(st.tuples(*(st.integers(0, length - 1) for length in array.shape)))
    other = array.copy()
    other[place] += 3e-4 * max(1.0, abs(array[place]))
    found = differ(other, array)
    where = str(list(place)) if place else ""
    assert found == f"y{where}: {other[place]:.9g} instead of {array[place]:.9g}"


@given(doubles(FINITE), st.sampled_from([np.nan, np.inf, -np.inf]), st.sampled_from([RULE, RANKED]))
def test_no_number_is_never_the_same_as_a_number(array: Any, wrong: float, rule: Compare) -> None:
    assume(array.size)
    other = array.copy()
    other[(0,) * other.ndim] = wrong
    # What is infinite may still stand where it stood in the order.
    assert (differ(other, array, rule) is not None) or (rule is RANKED and not np.isnan(wrong))


def test_the_place_that_is_farthest_off_is_told_and_no_number_is_farther_than_any() -> None:
    assert differ([1.0, 5.0, 3.0], [0.0, 0.0, 0.0]) == "y[1]: 5 instead of 0"
    assert differ([1.0, 5.0, np.nan], [0.0, 0.0, 0.0]) == "y[2]: nan instead of 0"


@given(st.permutations(["a", "b", "c"]), st.sampled_from(["a", "b", "c"]))
def test_the_order_of_outputs_does_not_matter_but_each_must_be_there(order: list[str], gone: str) -> None:
    own = [tensor([1.0], name) for name in ("a", "b", "c")]
    other = [tensor([1.0], name) for name in order]
    assert difference.between(other, own, RULE) is None
    fewer = [each for each in other if each.name != gone]
    assert difference.between(fewer, own, RULE) == f"{gone}: is missing"
    assert difference.between(own, fewer, RULE) == f"{gone}: is not in the stable version's answer"


@given(arrays.arrays(np.float64, (3, 5), elements=FINITE), st.randoms(use_true_random=False))
def test_classes_in_another_order_are_found(scores: Any, random: Any) -> None:
    order = list(range(5))
    random.shuffle(order)
    shuffled = scores[:, order]
    assert (differ(shuffled, scores) is None) == np.allclose(shuffled, scores, rtol=1e-4, atol=1e-4)


def test_shapes_and_datatypes_count() -> None:
    assert differ(np.zeros((1, 2)), np.zeros(2)) == "y: shape [1, 2] instead of [2]"
    small = [tensor(np.zeros(2, np.float32), datatype="FP32")]
    assert difference.between(small, [tensor(np.zeros(2))], RULE) == "y: FP32 instead of FP64"


@pytest.mark.parametrize(("datatype", "dtype"), [("INT64", np.int64), ("UINT8", np.uint8), ("BOOL", np.bool_)])
def test_whole_numbers_and_truths_are_exact(datatype: str, dtype: Any) -> None:
    own = [tensor(np.array([1, 0], dtype), datatype=datatype)]
    other = [tensor(np.array([1, 1], dtype), datatype=datatype)]
    assert difference.between(own, own, Compare(tolerance=10)) is None
    found = difference.between(other, own, Compare(tolerance=10))
    assert found is not None
    assert found.startswith("y[1]: ")


@given(st.text(max_size=100), st.text(max_size=100))
def test_text_is_exact_and_told_only_as_far_as_it_may_be(left: str, right: str) -> None:
    def of(text: str) -> list[Tensor]:
        return [tensor(np.array([text], np.object_), datatype="BYTES")]

    found = difference.between(of(left), of(right), RULE)
    assert (found is None) == (left == right)
    for text in (left, right):
        assert found is None or len(text) <= difference.TEXT or text not in found


@pytest.mark.parametrize(
    ("datatype", "step"), [("FP16", np.float16(1e-3)), ("BF16", np.float32(8e-3)), ("FP32", np.float32(1.2e-7))]
)
def test_no_tolerance_is_finer_than_the_type(datatype: str, step: Any) -> None:
    own = [tensor(np.array([1.0], type(step)), datatype=datatype)]
    other = [tensor(np.array([1.0], type(step)) + step, datatype=datatype)]
    assert other[0].array[0] != own[0].array[0]
    assert difference.between(other, own, Compare(tolerance=0.0)) is None


class TestOrder:
    """`topK`: of scores only the order of the highest counts."""

    def test_lower_places_and_the_scores_themselves_do_not_count(self) -> None:
        assert differ([[9.0, 7.0, 1.0, 0.0]], [[0.9, 0.7, 0.0, 0.1]], RANKED) is None

    def test_a_change_among_the_highest_is_told(self) -> None:
        found = differ([[5.0, 1.0, 0.0], [1.0, 5.0, 0.0]], [[5.0, 1.0, 0.0], [5.0, 1.0, 0.0]], RANKED)
        assert found == "y[1]: rank 1 goes to 1 instead of 0"

    def test_ties_may_stand_in_any_order(self) -> None:
        assert differ([[0.50001, 0.5, 0.0]], [[0.5, 0.50001, 0.0]], RANKED) is None

    def test_one_number_a_row_has_no_order(self) -> None:
        assert differ([[1.0]], [[2.0]], RANKED) == "y[0, 0]: 1 instead of 2"
        assert differ([1.0, 2.0], [2.0, 3.0], RANKED) is not None

    @given(arrays.arrays(np.float64, (2, 6), elements=FINITE), st.floats(0.1, 10), st.floats(-5, 5), st.integers(1, 9))
    def test_any_rising_change_of_the_scores_keeps_their_order(
        self, scores: Any, by: float, more: float, k: int
    ) -> None:
        assert differ(scores * by + more, scores, Compare(tolerance=0.0, top_k=k)) is None

    @given(st.permutations(range(6)), st.integers(1, 6))
    def test_distinct_scores_agree_just_when_the_same_ones_lead(self, order: list[int], k: int) -> None:
        own = np.arange(6.0)[None, :] * 10
        other = np.array(order, np.float64)[None, :] * 10
        leading = [list(np.argsort(-each[0])[:k]) for each in (own, other)]
        assert (differ(other, own, Compare(top_k=k)) is None) == (leading[0] == leading[1])


def test_names_are_told_no_longer_than_fits() -> None:
    found = difference.between([], [tensor([1.0], "n" * 500)], RULE)
    assert found is not None
    assert len(found) < 100

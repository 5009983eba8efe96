"""Scores of which only the order of the highest counts: rankings, and the likeliest classes."""

from __future__ import annotations

import numpy as np

from moorage_runtime.comparing.closeness import Numbers, close


def of_scores(shape: tuple[int, ...]) -> bool:
    """Whether a row of such an output has an order."""
    return len(shape) > 1 and shape[-1] > 1


def difference(other: Numbers, own: Numbers, top_k: int, tolerance: float) -> str | None:
    """The first row whose `top_k` highest scores stand in another order, in words; None when there is none.

    What is within `tolerance` in either may stand in any order. The last axis holds the scores of a row.
    """
    width = own.shape[-1]
    others, owns = other.reshape(-1, width), own.reshape(-1, width)
    torn = np.isnan(others) != np.isnan(owns)
    if torn.any():
        row, place = np.argwhere(torn)[0]
        return f"{_told(row, own.shape)}: {others[row, place]:.9g} instead of {owns[row, place]:.9g} at {place}"
    by_other, by_own = _highest(others, top_k), _highest(owns, top_k)
    tied = _alike(owns, by_other, by_own, tolerance) | _alike(others, by_other, by_own, tolerance)
    wrong = (by_other != by_own) & ~tied
    if not wrong.any():
        return None
    row, place = np.argwhere(wrong)[0]
    where = _told(row, own.shape)
    return f"{where}: rank {place + 1} goes to {by_other[row, place]} instead of {by_own[row, place]}"


def _highest(scores: Numbers, top_k: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Places by falling score, what is no number last."""
    return np.argsort(-scores, axis=-1, kind="stable")[:, :top_k]


def _alike(
    scores: Numbers,
    left: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    right: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    tolerance: float,
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    chosen, wanted = np.take_along_axis(scores, left, -1), np.take_along_axis(scores, right, -1)
    return close(chosen, wanted, tolerance)


def _told(row: np.intp, shape: tuple[int, ...]) -> str:
    at = np.unravel_index(row, shape[:-1])
    return f"[{', '.join(map(str, at))}]"

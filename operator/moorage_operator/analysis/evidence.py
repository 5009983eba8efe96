"""How surely something happens more often than it may: evidence that stays valid however often one looks.

A look every ten seconds for as long as a step lasts would make any test with a fixed sample size cry wolf sooner or
later. This one may be read after every request. `trials` are seen, `events` of them bad; the null hypothesis says that
each is bad with a chance of at most `null`, whatever happened before. For one alternative, odds `r` times as high, the
likelihood ratio

    L_r = (t/null)^events * ((1-t)/(1-null))^(trials-events),    t/(1-t) = r * null/(1-null)

is a non-negative martingale that starts at 1 under the null (a supermartingale where the chance is lower still), and so
is the average over `RATIOS`. By Ville's inequality it ever reaches 1/alpha with a chance of at most alpha.

Because the mildest alternative is 1.5, a true ratio below about 1.23 never adds evidence, however much traffic there
is: what is certain but does not matter is no reason to roll back.

Sources: J. Ville, Étude critique de la notion de collectif, 1939; H. Robbins, Statistical methods related to the law of
the iterated logarithm, Ann. Math. Statist. 41, 1970 (mixtures); R. Johari, P. Koomen, L. Pekelis, D. Walsh, Always
valid inference: continuous monitoring of A/B tests, Operations Research 70, 2022.
"""

from __future__ import annotations

from math import exp, log

Ratios = tuple[float, ...]
"""One logarithm for each of `RATIOS`."""

RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
"""The alternatives, all equally likely beforehand."""
NONE: Ratios = (0.0,) * len(RATIOS)

SURE = log(1e3)
"""Needed against a whole step: false once in a thousand steps, at most."""
VERY_SURE = log(1e6)
"""Needed against one stretch of a step: a long step has many of them."""
SUSPICIOUS = log(2.0)
"""With so much against it nobody passes; more requests will tell."""

_SMALLEST_NULL = 1e-6


def log_evidence(events: int, trials: int, null: float) -> float:
    """The logarithm of the evidence against "at most `null`"; 0 tells nothing, less speaks for it."""
    return mean(log_ratios(events, trials, null))


def log_ratios(events: int, trials: int, null: float) -> Ratios:
    """The logarithms of the likelihood ratios, one for each of `RATIOS`.

    Every chance can be at most 1: a `null` of 1 is never refuted.
    """
    if null >= 1.0 or trials <= 0:
        return NONE
    return tuple(_log_ratio(events, trials, max(null, _SMALLEST_NULL), ratio) for ratio in RATIOS)


def together(one: Ratios, other: Ratios) -> Ratios:
    """What two stretches tell that share no request: each ratio stays a martingale. Empty ones tell nothing."""
    return tuple(a + b for a, b in zip(one or NONE, other or NONE, strict=True))


def mean(ratios: Ratios) -> float:
    """The logarithm of the mean of the ratios whose logarithms these are."""
    top = max(ratios)
    return top + log(sum(exp(term - top) for term in ratios) / len(ratios))


def _log_ratio(events: int, trials: int, null: float, ratio: float) -> float:
    # t/null and (1-t)/(1-null) have the same denominator.
    denominator = log(1.0 - null + ratio * null)
    return events * log(ratio) - trials * denominator

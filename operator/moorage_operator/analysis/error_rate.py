"""Does the candidate fail more often than the stable version, or more often than it may at all?

Against the stable version: under the null hypothesis both fail equally often, so that each failure that occurs is one
of the candidate's with a chance of n_c / (n_c + n_s), its share of the requests, whatever the rate of failures is and
however it changes in the meantime. The evidence against that share is read from the failures alone. (Given how many
failed, the exact law is the hypergeometric one of Fisher's test, which spreads less: the binomial one errs on the safe
side.) Source: J. Przyborowski, H. Wilenski, Homogeneity of results in testing samples from Poisson series,
Biometrika 31, 1940, made sequential.

Against the limit: each request fails with a chance of at most `max_error_rate`, or of what the stable version may fail
by the upper bound of its own rate, whichever is higher: a model whose clients send what no version can answer must not
keep every new version out.

What the steps before told is added: the failures of different steps are different ones, so that each likelihood ratio
stays a martingale.

While the evidence leans against the candidate it does not pass: the step is held until more requests have told, and so
is the last step below half of the traffic until it is refuted that the candidate fails three times as often as stable.
Nothing but failures, far beyond chance, needs no second look.
"""

from __future__ import annotations

from dataclasses import replace
from math import log

from moorage_operator.analysis import interval, tally, threefold
from moorage_operator.analysis.evidence import SURE, SUSPICIOUS, VERY_SURE, log_evidence, mean, together
from moorage_operator.analysis.sides import ENOUGH_STABLE, Sides
from moorage_operator.analysis.threefold import TRIFLE
from moorage_operator.analysis.wording import percent, span
from moorage_operator.api.conditions import Reason
from moorage_operator.api.judgement import Check, Rules, Verdict

NAME = "errors"
FEWEST = 3
"""Failures without which nothing is concluded: one or two have a thousand innocent causes."""
_LEANING = 2
"""Failures without which no evidence holds a step: one may happen to every version."""
_HOPELESS = 0.5
_HOPELESS_EVIDENCE = log(1e4)

_KINDS = {
    "timeout": Reason.CANDIDATE_TIMES_OUT,
    "broken": Reason.CANDIDATE_UNREACHABLE,
    "invalid": Reason.CANDIDATE_ANSWERS_INVALID,
    "refused": Reason.CANDIDATE_REFUSES,
}


def check(rules: Rules, step: Sides, late: Sides, seconds: float, *, to_half: bool = False) -> Check:
    """The errors of the whole step, and of its latest stretch. `seconds`: how long the step has been counted.
    `to_half`: a Pass lets the candidate have half of the traffic or more.
    """
    for sides, needed in ((step, SURE), (late, VERY_SURE)):
        if sides.failed >= FEWEST and _matters(rules, sides) and _evidence(rules, sides) >= needed:
            return _told(rules, sides, Verdict.FAIL, final=_hopeless(step) or _hopeless(late))
    if step.asked < rules.min_samples:
        return _open(rules, step, _missing(rules, step, seconds))
    if step.failed >= _LEANING and _matters(rules, step) and _evidence(rules, step) >= SUSPICIOUS:
        return _open(rules, step, "looks worse, but not surely so")
    if to_half and (doubt := threefold.doubt(rules, step)) is not None:
        return _open(rules, step, doubt)
    return _told(rules, step, Verdict.PASS)


def _matters(rules: Rules, sides: Sides) -> bool:
    return sides.failed > TRIFLE * rules.max_error_rate * sides.asked


def _open(rules: Rules, step: Sides, why: str) -> Check:
    told = _told(rules, step, Verdict.INCONCLUSIVE)
    return replace(told, message=f"{why}: {told.message}")


def _missing(rules: Rules, step: Sides, seconds: float) -> str:
    """142 of 200 requests, at this rate about 6 min more."""
    seen, sent = step.asked, step.sent
    counted = f"{seen} of {rules.min_samples} requests that a judgement needs"
    if sent and not seen:
        return f"{counted}; {sent} more were given up by their clients, or were wrong"
    if not seen or seconds <= 0:
        return f"{counted}; nothing has reached the candidate yet"
    return f"{counted}; at this rate about {span((rules.min_samples - seen) * seconds / seen)} more"


def _evidence(rules: Rules, sides: Sides) -> float:
    here = threefold.ratios(sides)
    by_itself = log_evidence(sides.failed, sides.asked, _allowed(rules, sides))
    return max(mean(here), mean(together(sides.earlier.ratios, here)), by_itself)


def _allowed(rules: Rules, sides: Sides) -> float:
    failed, asked = sides.usual_failures
    # Where it never failed, its bound only says how little it was asked.
    return max(rules.max_error_rate, interval.upper(failed, asked) if failed and asked >= ENOUGH_STABLE else 0.0)


def _hopeless(sides: Sides) -> bool:
    """Broken connections can wait: the pods tell in a moment whether they crashed."""
    lasting = sides.failed - tally.outcome(sides.candidate, "broken") + sides.candidate.excused
    return log_evidence(lasting, sides.asked, _HOPELESS) >= _HOPELESS_EVIDENCE


def _reason(sides: Sides) -> Reason:
    kind = max(_KINDS, key=lambda name: tally.outcome(sides.candidate, name))
    return _KINDS[kind] if 2 * tally.outcome(sides.candidate, kind) > sides.failed else Reason.CANDIDATE_ERRORS


def _told(rules: Rules, sides: Sides, verdict: Verdict, *, final: bool = False) -> Check:
    rate = sides.failed / sides.asked if sides.asked else None
    stable = sides.stable_failed / sides.stable_asked if sides.stable_asked else None
    return Check(
        name=NAME,
        verdict=verdict,
        candidate=rate,
        stable=stable,
        limit=rules.max_error_rate,
        samples=sides.asked,
        message=_sentence(sides),
        reason=_reason(sides) if verdict is Verdict.FAIL else None,
        final=final,
    )


def _sentence(sides: Sides) -> str:
    counted, failed, asked = sides.candidate, sides.failed, sides.asked
    kinds = sorted(((tally.outcome(counted, kind), kind) for kind in (*_KINDS, "failed", "overloaded")), reverse=True)
    named = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
    faults = ", ".join(name for name, _ in sorted(counted.faults.items(), key=lambda item: -item[1])[:2])
    why = (f": {named}" if named else "") + (f" [{faults}]" if named and faults else "")
    held = f"; {counted.held} more of its share were held back meanwhile" if failed and counted.held else ""
    return (
        f"{failed} of {asked} requests to the candidate failed ({percent(failed, asked)}){why}{held}; "
        f"{sides.stable_failed} of {sides.stable_asked} of the stable version's own"
    )

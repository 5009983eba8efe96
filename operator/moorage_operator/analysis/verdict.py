"""From checks to one judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from moorage_operator.api.judgement import Check, Judgement, Rules, Verdict


def judge(
    rules: Rules, checks: Sequence[Check], *, failures: int, at: datetime, samples: tuple[str, ...] = ()
) -> Judgement:
    """A Fail outweighs what is open, and that outweighs a Pass. `failures`: looks in a row that failed before."""
    failed = [each for each in checks if each.verdict is Verdict.FAIL]
    if failed:
        return replace(_failed(rules, failed, failures + 1, at), checks=tuple(checks), samples=samples)
    undecided = [each for each in checks if each.verdict is Verdict.INCONCLUSIVE]
    # What is missing first is missing to the others too.
    verdict, told = (Verdict.INCONCLUSIVE, undecided[:1]) if undecided else (Verdict.PASS, checks)
    return Judgement(verdict=verdict, at=at, checks=tuple(checks), message=_sentences(told), samples=samples)


def _failed(rules: Rules, failed: Sequence[Check], failures: int, at: datetime) -> Judgement:
    abort = failures >= rules.failure_limit or any(each.final for each in failed)
    worst = next((each for each in failed if each.final), failed[0])
    count = "" if abort else f" (look {failures} of {rules.failure_limit} that must fail in a row)"
    return Judgement(
        verdict=Verdict.FAIL,
        at=at,
        reason=worst.reason,
        message=f"{_sentences([worst, *(each for each in failed if each is not worst)])}{count}",
        failures=failures,
        abort=abort,
    )


def _sentences(checks: Sequence[Check]) -> str:
    return ". ".join(each.message[:1].upper() + each.message[1:] for each in checks if each.message)

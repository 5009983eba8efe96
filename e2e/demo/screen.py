"""The live view: who answers, how fast, what the operator thinks of it; redrawn on a terminal, else line by line."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from e2e.demo.visitors import Moment

BAR = 40
_BOLD, _DIM, _GREEN, _RED, _YELLOW, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_COLOUR = {"Pass": _GREEN, "Fail": _RED, "Inconclusive": _YELLOW}


class Screen:
    """Shows one moment after the other."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._live = out.isatty()
        self._height = 0
        self._told = ""

    def show(self, seconds: float, status: dict[str, Any], moment: Moment, failed: int) -> None:
        """`seconds`: since this rollout began; `failed`: requests of all visitors so far."""
        lines = picture(seconds, status, moment, failed)
        if self._live:
            self._out.write(f"\x1b[{self._height}F\x1b[J" if self._height else "")
            self._out.write("".join(f"{line}\n" for line in lines))
            self._height = len(lines)
        elif (told := _news(status)) != self._told:
            self._told = told
            self._out.write(f"  {seconds:5.1f} s  {told}; {_shares(moment)}; {failed} failed\n")
        self._out.flush()

    def leave(self) -> None:
        """What is on the screen stays there."""
        self._height = 0


def picture(seconds: float, status: dict[str, Any], moment: Moment, failed: int) -> list[str]:
    """The lines of one moment, in colours."""
    rollout = status.get("rollout") or {}
    stable, candidate = ((status.get(role) or {}).get("version") for role in ("stable", "candidate"))
    answered = sum(moment.answers.values()) or 1
    step = f"step {rollout['step']} of {rollout['steps']}" if rollout.get("step") else ""
    head = f"{_BOLD}{seconds:6.1f} s  {rollout.get('phase', ''):<12}{_PLAIN}{step}"
    shares = ((version, count / answered) for version, count in sorted(moment.answers.items()))
    bars = [
        f"  version {version:<4} {_role(version, stable, candidate):<10}{_bar(share)} {share:6.1%}"
        for version, share in shares
    ]
    colour = _RED if failed else _GREEN
    rate = f"{2 * answered}/s   p50 {moment.p50:.1f} ms   p99 {moment.p99:.1f} ms"
    return [head, *bars, f"  {rate}   {colour}{failed} failed{_PLAIN}", *_judged(rollout.get("judgement"))]


def _role(version: str, stable: str | None, candidate: str | None) -> str:
    return "candidate" if version == candidate else "stable" if version == stable else ""


def _bar(share: float) -> str:
    full = round(share * BAR)
    return "█" * full + "·" * (BAR - full)


def _judged(judgement: dict[str, Any] | None) -> list[str]:
    if judgement is None:
        return []
    verdict = judgement["verdict"]
    lines = [f"  judgement: {_COLOUR.get(verdict, '')}{verdict}{_PLAIN} {judgement.get('message', '')[:100]}"]
    for check in judgement.get("checks", ()):
        colour = _COLOUR.get(check["verdict"], "")
        lines.append(f"    {colour}{check['verdict']:<13}{_PLAIN}{check['name']:<14}{check.get('message', '')[:80]}")
    return lines


def _news(status: dict[str, Any]) -> str:
    rollout = status.get("rollout") or {}
    verdict = (rollout.get("judgement") or {}).get("verdict")
    judged = f", judged {verdict}" if verdict else ""
    return f"{rollout.get('phase', '')} {rollout.get('trafficPercent', 0)} %{judged}"


def _shares(moment: Moment) -> str:
    answered = sum(moment.answers.values()) or 1
    told = (f"version {version} {count / answered:.0%}" for version, count in sorted(moment.answers.items()))
    return ", ".join(told) or "no answers"

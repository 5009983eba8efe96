"""The second act: under live load a good version comes in by steps, then a bad one, which is thrown out by itself."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.demo.plot import Turn, draw
from e2e.demo.screen import Screen
from e2e.demo.visitors import Visitors
from e2e.demo.workplace import kubectl

PATIENCE_SECONDS = 240.0
LOOK_SECONDS = 0.25


class Show:
    """One resource under load: shows what happens until it has ended, and remembers it for the plot."""

    def __init__(self, namespace: str, name: str, visitors: Visitors) -> None:
        self._namespace, self._name = namespace, name
        self._visitors = visitors
        self._screen = Screen()
        self._turns: list[Turn] = []
        self._last = ""

    def until(self, what: str, ended: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Show each moment until `ended` says so of the status, which is given back; else end the program."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            status = self._status()
            self._note(status)
            failed = self._visitors.total.get("failed", 0)
            self._screen.show(time.monotonic() - began, status, self._visitors.moments[-1], failed)
            if ended(status):
                self._screen.leave()
                return status
            time.sleep(LOOK_SECONDS)
        sys.exit(f"{what} did not happen in {PATIENCE_SECONDS:.0f} s:\n{json.dumps(self._status(), indent=1)}")

    def draw(self, path: Path) -> None:
        """The plot of everything so far."""
        draw(path, self._visitors.moments, self._turns, self._visitors.total)

    def _status(self) -> dict[str, Any]:
        text = kubectl().run("-n", self._namespace, "get", "mdep", self._name, "-o", "json")
        status: dict[str, Any] = json.loads(text).get("status", {})
        return status

    def _note(self, status: dict[str, Any]) -> None:
        turn = _turn(status)
        if turn != self._last:
            self._last = turn
            self._turns.append(Turn(time.time(), turn))


def _turn(status: dict[str, Any]) -> str:
    rollout, candidate = status.get("rollout") or {}, status.get("candidate")
    if candidate is None:
        failed = [each for each in status.get("failed", ()) if each["version"] != status.get("version")]
        back = f", {failed[0]['version']} rolled back: {failed[0]['reason']}" if failed else ""
        return f"{status.get('version')} serves{back}"
    share = rollout.get("trafficPercent")
    return f"{candidate['version']}: {share} %" if share else f"{candidate['version']} loads"


def promoted(version: str) -> Callable[[dict[str, Any]], bool]:
    """Whether that version serves, alone."""
    return lambda status: status.get("version") == version and status.get("candidate") is None


def rolled_back(version: str) -> Callable[[dict[str, Any]], bool]:
    """Whether that version is known as failed, and gets nothing any more."""
    return lambda status: (
        any(each["version"] == version for each in status.get("failed", ())) and status.get("candidate") is None
    )


def settled(version: str) -> Callable[[dict[str, Any]], bool]:
    """Whether that version serves, and is what the resource asks for."""
    return lambda status: (
        promoted(version)(status)
        and any(each["type"] == "Stalled" and each["status"] == "False" for each in status.get("conditions", ()))
    )

"""Watches one ModelDeployment and keeps every state that anybody could have read."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import MODEL_DEPLOYMENT
from e2e.harness.kstatus import Verdict, condition, verdict
from e2e.harness.traffic import Stretch

SLACK_SECONDS = 1.5
"""How far what is told may lag behind what is: a status takes a round trip and a change of endpoints."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One state of the object, and when it became known (seconds since 1970)."""

    at: float
    body: Object

    @property
    def claims_ready(self) -> bool:
        """Whether somebody who follows the API conventions would now believe in the present spec."""
        ready = condition(self.body, "Ready")
        current = ready.get("observedGeneration") == self.body["metadata"]["generation"]
        return ready.get("status") == "True" and current

    @property
    def versions(self) -> frozenset[str]:
        """The versions that may answer now: the one named, and while changing also the next."""
        status = self.body.get("status", {})
        named = [status.get("version"), (status.get("stable") or {}).get("version")]
        if condition(self.body, "Reconciling").get("status") == "True":
            named.append((status.get("candidate") or {}).get("version"))
        return frozenset(version for version in named if version)


class Witness:
    """A thread on a watch; `moments` grows while it runs."""

    def __init__(self, api: ApiServer, namespace: str, name: str) -> None:
        self.api, self.namespace, self.name = api, namespace, name
        self.moments: list[Moment] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """See no more; the thread ends with its watch."""
        self._over.set()

    def verdicts(self) -> list[Verdict]:
        """What kstatus said, repeats left out."""
        told: list[Verdict] = []
        for moment in self.moments:
            judged = verdict(moment.body)
            if not told or told[-1] != judged:
                told.append(judged)
        return told

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(Exception):
                self._follow()
            self._over.wait(0.2)

    def _follow(self) -> None:
        for event in self.api.watch(MODEL_DEPLOYMENT, self.namespace, self.name, 20):
            if self._over.is_set():
                return
            known = self.moments and self.moments[-1].body == event["object"]
            if event["type"] in ("ADDED", "MODIFIED") and not known:
                self.moments.append(Moment(time.time(), event["object"]))


def untruths(moments: Sequence[Moment]) -> list[str]:
    """Claims that the object itself disproves: ready for a spec whose version is another than the one it names."""
    found = []
    for moment in moments:
        wanted = re.fullmatch(r"models:/[^/@]+/(\d+)", moment.body["spec"]["model"]["storageUri"])
        if moment.claims_ready and wanted and wanted.group(1) not in moment.versions:
            found.append(f"ready for version {wanted.group(1)}, but names {sorted(moment.versions)}")
        if moment.claims_ready and not moment.versions:
            found.append("ready without naming a version")
        resolved = moment.body.get("status", {}).get("model", {}).get("storageUri")
        if moment.claims_ready and resolved != moment.body["spec"]["model"]["storageUri"]:
            found.append(f"ready for {moment.body['spec']['model']['storageUri']}, but looked up {resolved}")
        if verdict(moment.body) is Verdict.CURRENT and not moment.claims_ready:
            found.append(f"kstatus says Current, but Ready is {dict(condition(moment.body, 'Ready'))}")
    return found


def broken_promises(moments: Sequence[Moment], stretches: Sequence[Stretch], end: float) -> list[str]:
    """Answers that came from nobody or from another version while the object claimed to be ready."""
    found = []
    for index, moment in enumerate(moments):
        begin = moment.at + SLACK_SECONDS
        until = (moments[index + 1].at if index + 1 < len(moments) else end) - SLACK_SECONDS
        if not moment.claims_ready or until <= begin:
            continue
        for number, stretch in enumerate(stretches):
            over = stretches[number + 1].asked if number + 1 < len(stretches) else end
            overlaps = stretch.asked < until and over > begin
            if overlaps and stretch.answer not in moment.versions:
                found.append(f"claimed {sorted(moment.versions)} at {moment.at:.2f}, {stretch.answer!r} answered")
    return found

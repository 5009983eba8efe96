"""One change of one ModelDeployment, played again and again while its operator dies at a chosen call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from e2e.harness.api import ApiServer, Object
from e2e.harness.children import amount_to, pods_that_stay
from e2e.harness.fault_proxy import Call, Fault, FaultProxy, When
from e2e.harness.history import History
from e2e.harness.kinds import CONFIG_MAP, MODEL_DEPLOYMENT
from e2e.harness.kstatus import condition
from e2e.harness.kubectl import Kubectl
from e2e.harness.ledger import Ledger
from e2e.harness.local_operator import LocalOperator, Nursery
from e2e.harness.room import Room
from e2e.harness.stage import UNSCHEDULED, Stage
from e2e.harness.witness import Witness

from moorage_runtime.config import ROUTES_KEY, RouteTable, decode_routes

OPERATOR_USER = "system:serviceaccount:moorage-system:moorage-operator"
NAME = "model"
ANY = "anything"
PATIENCE_SECONDS = 90.0
ROLLOUT = {
    "steps": [{"trafficPercent": 25, "hold": "500ms"}, {"trafficPercent": 50, "hold": "500ms"}],
    "scaleDownDelay": "1s",
    "analysis": {"interval": "1s", "minSamples": 20, "warmUp": "0s"},
}


@dataclass(frozen=True, slots=True)
class State:
    """What is wanted: no CR at all, or a version and a number of replicas.

    `instead`: the version that serves in the end, where the wanted one is rolled back.
    """

    version: str | None = None
    replicas: int = 1
    instead: str | None = None

    def __str__(self) -> str:
        return f"{self.version} x{self.replicas}" if self.version else "nothing"


@dataclass(frozen=True, slots=True)
class Boundary:
    """The `occurrence`-th call with this key: before or after the API server does its work, or at the next call."""

    key: str
    occurrence: int
    when: When

    def __str__(self) -> str:
        return f"{self.when} call {self.occurrence} of {self.key}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One transition. `reached`: the operator died at the boundary. `seconds`: from its restart to the end state."""

    boundary: Boundary | None
    reached: bool
    seconds: float
    wrong: str = ""


@dataclass
class Rehearsal:
    """A namespace with a staged kubelet, an operator of its own behind a fault proxy, and one CR in it."""

    api: ApiServer
    kubectl: Kubectl
    parent: Nursery
    folder: Path
    settings: dict[str, Any]
    expected: dict[State, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.room = Room(self.api, self.kubectl, "kills")
        self._stack.callback(self.room.close)
        self.room.witnesses[NAME] = Witness(self.api, self.room.namespace, NAME)
        stage = Stage(self.api, self.room.namespace)
        self._stack.callback(stage.close)
        self.history = History(self.api, self.room.namespace)
        self._stack.callback(self.history.close)
        ledger = Ledger(self.table)
        self.proxy = self._stack.enter_context(FaultProxy(self.api.access, user=OPERATOR_USER, answer=ledger.answer))
        settings = {**self.settings, "watchNamespaces": [self.room.namespace]}
        self.operator = LocalOperator(self.parent, self.folder / self.room.namespace, self.proxy.url, settings)
        self._stack.callback(self.operator.kill)
        self.operator.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def trace(self, wanted: State) -> list[Call]:
        """Go to `wanted` undisturbed: the calls it took. What the children then are is what they always must be."""
        begin = len(self.proxy.calls)
        self.arrive(wanted)
        time.sleep(0.5)
        self.expected[wanted] = amount_to(self.api, self.room.namespace)
        return [call for call in self.proxy.calls[begin:] if self._about_us(call)]

    def arrive(self, wanted: State) -> None:
        """Go to `wanted` undisturbed, whatever the children then are."""
        self.ask_for(wanted)
        wrong = self._wait(wanted, time.monotonic() + PATIENCE_SECONDS, compare=False)
        assert not wrong, f"undisturbed, it did not get to {wanted}: {wrong}\n{self.operator.last_words()}"

    def go(self, wanted: State, boundary: Boundary | None = None) -> Outcome:
        """Go to `wanted`; at `boundary` the operator is killed, and started again at once."""
        died = threading.Event()
        if boundary:
            self.proxy.rule = self._rule(boundary, died)
        try:
            self.ask_for(wanted)
            deadline = time.monotonic() + PATIENCE_SECONDS
            restarted = time.monotonic()
            while not died.is_set() and not self._arrived(wanted) and time.monotonic() < deadline:
                died.wait(0.1)
            # The end may be there before the call, as with a CR that is deleted.
            died.wait(0.5 if boundary else 0.0)
            self.proxy.rule = None
            if died.is_set():
                self.operator.wait_gone(5)
                restarted = time.monotonic()
                self.operator.start()
            wrong = self._wait(wanted, deadline)
            return Outcome(boundary, died.is_set(), time.monotonic() - restarted, wrong)
        finally:
            self.proxy.rule = None

    def _rule(self, boundary: Boundary, died: threading.Event) -> Callable[[Call], Fault | None]:
        seen: Counter[str] = Counter()

        def die() -> None:
            self.operator.kill()
            died.set()

        def rule(call: Call) -> Fault | None:
            if died.is_set() or not self._about_us(call):
                return None
            if boundary.when is When.NEXT and seen[boundary.key] == boundary.occurrence:
                return Fault(When.BEFORE, act=die)
            seen[call.key] += 1
            seen[ANY] += 1
            here = boundary.key in (call.key, ANY) and seen[boundary.key] == boundary.occurrence
            return Fault(boundary.when, act=die) if here and boundary.when is not When.NEXT else None

        return rule

    def table(self) -> RouteTable | None:
        """The route table as it stands."""
        found = self.api.find(CONFIG_MAP, self.room.namespace, f"{NAME}-routes")
        return decode_routes(found["data"][ROUTES_KEY]) if found is not None else None

    def ask_for(self, wanted: State) -> None:
        """Apply what is wanted, and do not wait for it."""
        if wanted.version is None:
            self.api.delete(MODEL_DEPLOYMENT, self.room.namespace, NAME)
            return
        uri = f"s3://models/staged/{wanted.version}"
        spec = {"model": {"storageUri": uri}, "minReplicas": wanted.replicas, "rollout": ROLLOUT, **UNSCHEDULED}
        body = {"kind": "ModelDeployment", "metadata": {"name": NAME}, "spec": spec}
        self.api.apply(MODEL_DEPLOYMENT, self.room.namespace, body)

    def _arrived(self, wanted: State) -> bool:
        found = self.api.find(MODEL_DEPLOYMENT, self.room.namespace, NAME)
        if found is None or wanted.version is None:
            return found is None and wanted.version is None
        status = found.get("status", {})
        settled = condition(found, "Reconciling").get("status") == "False" and not status.get("retiring")
        ended = is_rolled_back(found) if wanted.instead else is_promoted(found)
        served = status.get("version") == (wanted.instead or wanted.version)
        return settled and ended and served and status.get("readyReplicas") == wanted.replicas

    def _wait(self, wanted: State, deadline: float, *, compare: bool = True) -> str:
        """What is still wrong at the deadline; empty as soon as nothing is."""
        wrong = "nothing looked at"
        while wrong and time.monotonic() < deadline:
            wrong = self._wrong(wanted, compare)
            if wrong:
                time.sleep(0.1)
        return wrong

    def _wrong(self, wanted: State, compare: bool) -> str:
        if not self._arrived(wanted):
            found = self.api.find(MODEL_DEPLOYMENT, self.room.namespace, NAME) or {}
            return f"the CR is not there yet: {found.get('status')}"
        replicas = wanted.replicas if wanted.version else 0
        if pods_that_stay(self.api, self.room.namespace) != replicas:
            return f"not {replicas} pods"
        if not compare:
            return ""
        children = amount_to(self.api, self.room.namespace)
        return differences(self.expected.get(wanted, {}), children)

    def _about_us(self, call: Call) -> bool:
        return call.namespace == self.room.namespace and not call.watch and not call.lease


def is_promoted(body: Object) -> bool:
    """Whether what the spec says now is what serves, and nothing is held against it."""
    ready, status = condition(body, "Ready"), body["status"]
    current = ready.get("observedGeneration") == body["metadata"]["generation"]
    return ready.get("status") == "True" and current and not status.get("failed") and not status.get("candidate")


def is_rolled_back(body: Object) -> bool:
    """Whether what the spec says was found bad, told so, and left alone."""
    told, status = {kind: condition(body, kind) for kind in ("RolloutHealthy", "Stalled", "Ready")}, body["status"]
    current = told["Stalled"].get("observedGeneration") == body["metadata"]["generation"]
    verdicts = [told[kind].get("status") for kind in told] == ["False", "True", "True"]
    reasons = {told["RolloutHealthy"].get("reason"), *(each["reason"] for each in status.get("failed", []))}
    return current and verdicts and reasons == {"CandidateErrors"} and not status.get("candidate")


def boundaries(calls: list[Call], *, every_read: bool = False) -> list[Boundary]:
    """Before and after every write of a trace, and at the first call after it.

    Reads change nothing, so that dying after one of them is the same as dying before the next: a row of reads is one
    boundary (its end is the one before the following write). `every_read`: all of them all the same.
    """
    seen: Counter[str] = Counter()
    found = []
    for number, call in enumerate(calls):
        seen[call.key] += 1
        sides = [When.BEFORE, When.AFTER] if call.write or every_read else [When.BEFORE] * (number == 0)
        if call.write and not every_read and number + 1 < len(calls) and not calls[number + 1].write:
            sides.append(When.NEXT)
        # Which of several reads at once comes first is chance.
        key = ANY if number == 0 and not call.write and not every_read else call.key
        found += [Boundary(key, seen[call.key], side) for side in sides]
    return found


def differences(expected: dict[str, str], children: dict[str, str]) -> str:
    """What is missing, too many or different; empty when the children are as they should be."""
    missing, extra = expected.keys() - children.keys(), children.keys() - expected.keys()
    changed = [ref for ref in expected.keys() & children.keys() if expected[ref] != children[ref]]
    told = [f"missing {sorted(missing)}" * bool(missing), f"too many {sorted(extra)}" * bool(extra)]
    told += [f"{ref} is {children[ref]}, should be {expected[ref]}" for ref in changed]
    return "; ".join(part for part in told if part)

"""What must be true at every moment of every rollout, whoever dies meanwhile; replayed from a history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from e2e.harness.api import Object
from e2e.harness.history import Entry
from e2e.harness.kstatus import condition
from e2e.harness.ledger import is_bad
from e2e.harness.room import owned

REVISION = "moorage.dev/revision"
ROUTES_KEY = "routes.json"


@dataclass
class World:
    """One ModelDeployment and what belongs to it, as of one entry. `served`: a ready pod was selected once. `dark`: the
    revisions that had no ready pod at some moment since the last route table.
    """

    name: str
    owner: Object | None = None
    selected: str | None = None
    table: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    served: bool = False
    replicas: dict[str, int] = field(default_factory=dict)
    pods: dict[str, Object] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)

    @property
    def failed(self) -> set[str]:
        """The revisions that are told to have failed."""
        status = (self.owner or {}).get("status") or {}
        return {each["revision"] for each in status.get("failed", [])}

    def take(self, entry: Entry) -> Iterator[str]:
        """Go on by one entry; what is wrong about it."""
        if entry.kind == "ModelDeployment" and entry.name == self.name:
            self._take_owner(entry)
        elif entry.kind == "Pod":
            self.pods.pop(entry.name, None) if entry.gone else self.pods.update({entry.name: entry.body})
            self.dark |= {revision for revision in self.table.get("revisions", {}) if not self._is_lit(revision)}
        elif entry.kind == "Deployment":
            yield from self._take_deployment(entry)
        elif entry.kind == "Service" and entry.name == self.name:
            ours = not entry.gone and self._owns(entry.body)
            self.selected = (entry.body["spec"].get("selector") or {}).get(REVISION) if ours else None
        elif self._is_table(entry):
            yield from self._take_table(json.loads(entry.body["data"][ROUTES_KEY]))
        yield from self._serves()

    def _is_table(self, entry: Entry) -> bool:
        named = (entry.kind, entry.name) == ("ConfigMap", f"{self.name}-routes")
        return named and not entry.gone and self._owns(entry.body)

    def _owns(self, body: Object) -> bool:
        """Not what a deleted namesake left behind."""
        return self.owner is not None and owned(body, self.owner["metadata"]["uid"])

    def _take_owner(self, entry: Entry) -> None:
        leaving = entry.gone or "deletionTimestamp" in entry.body["metadata"]
        if leaving:
            self.served, self.selected, self.table, self.generation = False, None, {}, 0
        self.owner = None if leaving else entry.body

    def _take_deployment(self, entry: Entry) -> Iterator[str]:
        revision = entry.body["metadata"].get("labels", {}).get(REVISION, "")
        before, now = self.replicas.get(revision, 0), 0 if entry.gone else entry.body["spec"].get("replicas", 1)
        if now > before and revision in self.failed:
            yield f"revision {revision} has failed, and gets {now} pods again"
        self.replicas[revision] = now

    def _take_table(self, table: dict[str, Any]) -> Iterator[str]:
        if table["generation"] < self.generation:
            yield f"the generation of the route table fell from {self.generation} to {table['generation']}"
        before, now = self.table.get("revisions", {}), table.get("revisions", {})
        for revision, route in now.items():
            if route.get("weight", 0) > 0 and revision in self.failed:
                yield f"revision {revision} has failed, and gets {route['weight']} % again"
        for revision, old in before.items():
            new = now.get(revision, {})
            good = {old["role"], new.get("role")} == {"candidate"} and not is_bad(old["version"])
            steps = (old.get("weight", 0), new.get("weight", 0))
            if good and steps[1] < steps[0] and revision not in self.dark:
                yield f"the weight of the good revision {revision} fell from {steps[0]} to {steps[1]}"
        self.dark = {revision for revision in now if not self._is_lit(revision)}
        self.table, self.generation = table, max(self.generation, table["generation"])

    def _serves(self) -> Iterator[str]:
        if self.selected is None:
            return
        ready = self._is_lit(self.selected)
        if self.served and not ready:
            yield f"the Service selects revision {self.selected}, which has no ready pod"
        self.served = ready

    def _is_lit(self, revision: str) -> bool:
        return any(is_ready(pod) for pod in self.pods.values() if revision_of(pod) == revision)


def broken_laws(entries: Sequence[Entry], name: str) -> list[str]:
    """Every moment at which something was not as it must always be."""
    world = World(name)
    return [f"at {entry.at} ({entry.kind} {entry.name}): {wrong}" for entry in entries for wrong in world.take(entry)]


def is_ready(pod: Object) -> bool:
    """Whether the Service sends requests to it."""
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def revision_of(pod: Object) -> str | None:
    """The revision that its label names."""
    labels: dict[str, str] = pod["metadata"].get("labels") or {}
    return labels.get(REVISION)

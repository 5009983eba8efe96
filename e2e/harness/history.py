"""Every state of a namespace's objects that anybody could have read, in the order of the API server's store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import CONFIG_MAP, DEPLOYMENT, MODEL_DEPLOYMENT, POD, SERVICE, Kind

KINDS = {
    "ModelDeployment": MODEL_DEPLOYMENT,
    "Service": SERVICE,
    "ConfigMap": CONFIG_MAP,
    "Deployment": DEPLOYMENT,
    "Pod": POD,
}
WATCH_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `at`: the store's running number, the same for all kinds. `gone`: the object is there no more."""

    at: int
    kind: str
    body: Object
    gone: bool = False

    @property
    def name(self) -> str:
        """Of the object."""
        return str(self.body["metadata"]["name"])


class History:
    """Written by one thread a kind, each on a watch that goes on where the last one ended: nothing is left out."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.torn: list[str] = []
        self._entries: list[Entry] = []
        self._over = threading.Event()
        for name, kind in KINDS.items():
            told = api.request("GET", kind.path(namespace))
            since = told["metadata"]["resourceVersion"]
            threading.Thread(target=self._run, args=(name, kind, since), daemon=True).start()

    def close(self) -> None:
        """Write no more."""
        self._over.set()

    def entries(self) -> Sequence[Entry]:
        """All so far, in the order in which they happened."""
        return sorted(self._entries, key=lambda entry: entry.at)

    def _run(self, name: str, kind: Kind, since: str) -> None:
        while not self._over.is_set() and not self.torn:
            # A connection that breaks ends one watch; the next goes on behind the last entry.
            with suppress(OSError):
                for event in self.api.watch(kind, self.namespace, "", WATCH_SECONDS, since):
                    if event["type"] == "ERROR":
                        self.torn.append(f"{name}: {event['object'].get('message')}")
                        break
                    since = event["object"]["metadata"]["resourceVersion"]
                    self._entries.append(Entry(int(since), name, event["object"], event["type"] == "DELETED"))
                    if self._over.is_set():
                        return
            self._over.wait(0.2)

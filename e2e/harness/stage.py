"""Plays the kubelet for pods that no scheduler takes: real objects, real controllers, no containers.

A pod whose CR names the scheduler `NOBODY` stays unassigned; the stage writes the status that a kubelet would write
once the download has ended and the server is ready. So a rollout takes a second, and an operator can be killed
hundreds of times within minutes.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from e2e.harness.api import ApiServer, Object, Refused
from e2e.harness.kinds import POD

NOBODY = "nobody"
UNSCHEDULED: Object = {"podTemplate": {"spec": {"schedulerName": NOBODY}}}
DIGEST = "sha256:" + "5" * 64
REPORT = '{"digest":"%s","bytes":1024,"files":1,"modelFormat":"onnx","seconds":0.1}' % DIGEST  # noqa: UP031


class Stage:
    """A thread that makes every unscheduled pod of one namespace ready."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No pod becomes ready any more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(Exception):
                for event in self.api.watch(POD, self.namespace, "", 20):
                    self._play(event["object"])
                    if self._over.is_set():
                        return

    def _play(self, pod: Object) -> None:
        conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata or conditions.get("Ready") == "True":
            return
        with suppress(Refused):
            self.api.merge(POD, self.namespace, metadata["name"], {"status": ready_status(pod)}, "status")


def ready_status(pod: Object) -> Object:
    """What a kubelet writes when the download has ended well and the server answers its test request."""
    at = pod["metadata"]["creationTimestamp"]
    kinds = ("Initialized", "ContainersReady", "Ready", "PodScheduled")
    ended: dict[str, Any] = {"exitCode": 0, "reason": "Completed", "message": REPORT, "startedAt": at, "finishedAt": at}
    address = f"10.200.{int(pod['metadata']['uid'][:2], 16)}.{int(pod['metadata']['uid'][2:4], 16)}"
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": at,
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": at} for kind in kinds],
        "initContainerStatuses": [_container("download", {"terminated": ended})],
        "containerStatuses": [_container("server", {"running": {"startedAt": at}})],
    }


def _container(name: str, state: Object) -> Object:
    shared = {"image": "staged", "imageID": "", "restartCount": 0}
    return {"name": name, "ready": True, "started": "running" in state, "state": state, **shared}

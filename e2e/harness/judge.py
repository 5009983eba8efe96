"""A judge of rollouts in a pod of a room, as a user would run one: what it says is the path of its URL."""

from __future__ import annotations

from pathlib import Path

from e2e.harness.api import Object
from e2e.harness.judge_in_pod import PORT
from e2e.harness.kinds import CONFIG_MAP, POD, SERVICE
from e2e.harness.room import Room
from e2e.harness.traffic import client_pod

NAME = "judge"
SCRIPT = Path(__file__).with_name("judge_in_pod.py")


def open_judge(room: Room) -> str:
    """Start it and wait until it answers; its address, to which an opinion is added."""
    room.api.create(CONFIG_MAP, room.namespace, {"metadata": {"name": NAME}, "data": {SCRIPT.name: SCRIPT.read_text()}})
    room.api.create(POD, room.namespace, _pod())
    ports = [{"port": PORT, "targetPort": PORT}]
    spec = {"selector": {"app": NAME}, "ports": ports}
    room.api.create(SERVICE, room.namespace, {"metadata": {"name": NAME}, "spec": spec})
    ready = ("--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")
    room.kubectl.run("wait", "-n", room.namespace, *ready, seconds=70)
    return f"http://{NAME}.{room.namespace}.svc:{PORT}"


def _pod() -> Object:
    """The client's pod with another script in it."""
    pod = client_pod()
    pod["metadata"] = {"name": NAME, "labels": {"app": NAME}}
    (container,) = pod["spec"]["containers"]
    container |= {
        "name": NAME,
        "command": ["python3", f"/judge/{SCRIPT.name}"],
        "volumeMounts": [{"name": NAME, "mountPath": "/judge"}],
        "readinessProbe": {"httpGet": {"path": "/asked", "port": PORT}, "periodSeconds": 1},
    }
    pod["spec"]["volumes"] = [{"name": NAME, "configMap": {"name": NAME}}]
    return pod

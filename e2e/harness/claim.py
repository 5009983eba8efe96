"""A PersistentVolumeClaim that holds a model."""

from __future__ import annotations

import base64
import json
from typing import Any

from e2e.harness.room import Room
from e2e.harness.settings import RUNTIME_IMAGE


def fill_claim(room: Room, name: str, folder: str, model: bytes) -> None:
    """A PersistentVolumeClaim with `model.onnx` in a folder of it, written by a pod as a user would."""
    copy = f"mkdir -p /shelf/{folder} && cp /source/model.onnx /shelf/{folder}/"
    container = {
        "name": "copy",
        "image": RUNTIME_IMAGE,
        "command": ["sh", "-c", copy],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shelf", "mountPath": "/shelf"}, {"name": "source", "mountPath": "/source"}],
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "shelf", "persistentVolumeClaim": {"claimName": name}},
            {"name": "source", "configMap": {"name": name}},
        ],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}}
    data = {"model.onnx": base64.b64encode(model).decode()}
    _apply(room, "PersistentVolumeClaim", name, spec=claim)
    _apply(room, "ConfigMap", name, binaryData=data)
    _apply(room, "Pod", name, spec=pod)
    room.kubectl.run("wait", "-n", room.namespace, f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded")


def _apply(room: Room, kind: str, name: str, **rest: Any) -> None:
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": room.namespace}, **rest}
    room.kubectl.run("apply", "-f", "-", text=json.dumps(body))

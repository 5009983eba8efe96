"""The commands beside the real cluster: its registry, its objects, and a person who looks before applying."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.harness.installed import Installed
from e2e.harness.models import Registry, train
from e2e.harness.room import Room
from tests.ports import free_port

MOORAGE = Path(sys.executable).with_name("moorage")


@contextmanager
def running(folder: Path, *arguments: str, **variables: str) -> Iterator[str]:
    """`moorage run ...` until the end of the context; gives what it printed once it served."""
    ports = [f"--{name}={free_port()}" for name in ("port", "admin-port", "grpc-port")]
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [MOORAGE, "run", *arguments, *ports], env={**os.environ, **variables}, stdout=file, stderr=file
        )
    try:
        until = time.monotonic() + 60
        while "Ctrl-C" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        yield output.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_a_registered_model_is_served_on_a_laptop(registry: Registry, unique: str, tmp_path: Path) -> None:
    first, second = registry.publish(unique, 0, 1)
    registry.alias(unique, "champion", second)
    with running(tmp_path, f"models:/{unique}@champion", MLFLOW_TRACKING_URI=registry.client.tracking_uri) as text:
        assert f"{unique} version {second} is served" in text
        [url] = re.findall(r"is served at (http://\S+)", text)
        question = train(1).request.encode()
        request = urllib.request.Request(f"{url}/v2/models/{unique}/infer", question)
        with urllib.request.urlopen(request, timeout=20) as answer:
            outputs = {each["name"]: each["data"] for each in json.load(answer)["outputs"]}
    assert outputs["probabilities"] == pytest.approx(train(1).answer, abs=1e-5)
    assert first != second


def test_what_is_rendered_is_what_runs_and_a_difference_is_seen_before_it_is_applied(
    room: Room, operator: Installed, registry: Registry, unique: str, tmp_path: Path
) -> None:
    [version] = registry.publish(unique, 0)
    room.deploy("cancer", f"models:/{unique}/{version}")
    live = room.wait_steady("cancer", version)
    file = tmp_path / "cancer.yaml"
    file.write_text(yaml.safe_dump({key: live[key] for key in ("apiVersion", "kind", "metadata", "spec", "status")}))
    rendered = moorage(0, "render", str(file))
    made = {(each["kind"], each["metadata"]["name"]) for each in yaml.safe_load_all(rendered) if each}
    there = {(kind, each["metadata"]["name"]) for kind, some in room.children("cancer").items() for each in some}
    assert made == {each for each in there if each[0] in {kind for kind, _ in made}}
    assert {"Deployment", "Service", "ConfigMap", "NetworkPolicy"} <= {kind for kind, _ in made}

    kubeconfig = f"--kubeconfig={room.kubectl.kubeconfig}"
    asked = {key: live[key] for key in ("apiVersion", "kind")}
    asked |= {"metadata": {"name": "cancer", "namespace": room.namespace}, "spec": live["spec"]}
    file.write_text(yaml.safe_dump(asked))
    moorage(0, "diff", str(file), kubeconfig)
    asked["spec"] = {**live["spec"], "timeout": "5s", "minReplicas": 2}
    file.write_text(yaml.safe_dump(asked))
    told = moorage(1, "diff", str(file), kubeconfig)
    assert "a new revision" in told
    assert re.search(r"spec\.timeout: \S+ -> 5s", told)
    assert re.search(r"spec\.minReplicas: 1 -> 2", told)
    assert room.get("cancer")["metadata"]["generation"] == live["metadata"]["generation"]


def moorage(code: int, *arguments: str) -> str:
    """What a command prints; it must end with `code`."""
    done: Any = subprocess.run([MOORAGE, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return str(done.stdout)

"""NVIDIA's gRPC client, in a process of its own: its messages and those of other clients have the same names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

SCRIPT = Path(__file__).with_name("triton_grpc_client.py")
TABULAR = (
    "health_and_metadata",
    "answers",
    "typed_and_compressed",
    "outputs",
    "errors",
    "deadline",
    "stream",
    "stream_errors",
    "asynchronous",
    "repository_is_elsewhere",
)


def run(pod: Pod, folder: Path, *scenarios: str) -> dict[str, str]:
    """The scenarios that failed, and how."""
    return run_on(pod.grpc_port, next((pod.models / "artifact").glob("*.onnx")), folder, *scenarios)


def run_on(port: int, model: Path, folder: Path, *scenarios: str) -> dict[str, str]:
    """The same for any server that has the model in this file."""
    rows = folder / "rows.npy"
    np.save(rows, models.rows(300))
    command = [sys.executable, str(SCRIPT), f"127.0.0.1:{port}", str(model), str(rows), *scenarios]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def failed(serving: Pod, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(serving, tmp_path_factory.mktemp("triton"), *TABULAR)


@pytest.mark.parametrize("scenario", TABULAR)
def test_tabular_model(failed: dict[str, str], scenario: str) -> None:
    assert scenario not in failed, failed[scenario]


def test_text_and_doubles(texts: Pod, tmp_path: Path) -> None:
    assert run(texts, tmp_path, "text_and_doubles") == {}

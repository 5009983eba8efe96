"""What each command carries: serving no download client, downloading no engine, neither what it may never need."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.unit.runtime.pod import RUNTIME

CLIENTS = {"boto3", "botocore", "mlflow", "requests", "urllib3", "yaml"}
ENGINES = {"onnxruntime", "numpy", "uvicorn", "uvloop", "prometheus_client"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("moorage_runtime.servers.serve", CLIENTS | {"onnxruntime", "pydantic", "aiohttp", "grpc", "google.protobuf"}),
        ("moorage_runtime.storage.command", CLIENTS | ENGINES),
        ("moorage_runtime.config", CLIENTS | ENGINES),
    ],
)
def test_a_command_imports_only_what_it_needs(module: str, never: set[str]) -> None:
    asked = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(RUNTIME)}
    ).stdout.split()
    assert not never & set(loaded)


def test_sigterm_while_loading_ends_the_process_at_once() -> None:
    program = (
        "import asyncio, time, threading; from moorage_runtime.servers import serve\n"
        "async def main():\n"
        "    stopping = asyncio.Event(); asyncio.get_running_loop().call_later(0.05, stopping.set)\n"
        "    assert await serve._unless(stopping, lambda: time.sleep(30)) is None\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=10, env={"PYTHONPATH": str(RUNTIME)})

"""A pod without Kubernetes: the same two commands, the same documents, folders and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from tests.ports import free_port

import moorage_runtime

# Whichever is tested: the sources, or what was compiled of them.
RUNTIME = Path(moorage_runtime.__file__).parents[1]


class Pod:
    """One pod's folder, environment and processes."""

    def __init__(self, folder: Path, uri: str, configuration: dict[str, Any]) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.credentials = folder / "credentials"
        self.routes = folder / "routes"
        for each in (self.models, self.credentials, self.routes):
            each.mkdir(parents=True, exist_ok=True)
        source = {"uri": uri} | configuration.pop("source", {})
        self.config = {"model": "fraud", "version": "3", "revision": "abc", "source": source} | configuration
        self.port, self.admin_port, self.grpc_port = free_port(), free_port(), free_port()
        self.variables: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        own = {
            "MOORAGE_CONFIG": json.dumps(self.config),
            "MOORAGE_MODEL_DIR": str(self.models),
            "MOORAGE_CREDENTIALS_DIR": str(self.credentials),
            "MOORAGE_ROUTES_DIR": str(self.routes),
            "MOORAGE_TERMINATION_PATH": str(self.folder / "termination"),
            "MOORAGE_HOST": "127.0.0.1",
            "MOORAGE_HTTP_PORT": str(self.port),
            "MOORAGE_ADMIN_PORT": str(self.admin_port),
            "MOORAGE_GRPC_PORT": str(self.grpc_port),
            "PYTHONPATH": str(RUNTIME),
            "HOME": str(self.folder),
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MLFLOW_", "PYTHON"))}
        return kept | own | self.variables

    def download(self, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "moorage_runtime", "download"]
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=timeout, check=False
        )

    def termination(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "termination").read_bytes())
        return found

    def start(self) -> None:
        """Begin to serve; wait for nothing."""
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moorage_runtime", "serve"],
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def serve(self, wait: float = 20) -> None:
        self.start()
        assert self.process
        end = time.monotonic() + wait
        while self.probe("/readyz") != 200:
            assert time.monotonic() < end, self.log()
            assert self.process.poll() is None, self.log()
            time.sleep(0.01)

    def probe(self, path: str) -> int:
        try:
            return self.admin(path)[0]
        except OSError:
            return 0

    def admin(self, path: str) -> tuple[int, bytes]:
        status, _, body = ask(self.admin_port, "GET", path)
        return status, body

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, method, path, body, named)

    def infer(self, request: Any) -> tuple[int, dict[str, Any]]:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        status, _, answer = self.ask("POST", "/v2/models/fraud/infer", body)
        return status, json.loads(answer)

    def end(self, seconds: float = 15) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def write_routes(self, generation: int, revisions: dict[str, Any]) -> None:
        draft = self.routes / "draft"
        draft.write_text(json.dumps({"generation": generation, "revisions": revisions}))
        draft.replace(self.routes / "routes.json")


def ask(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        answer: HTTPResponse = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()

"""The server against its own description: requests made from /openapi.json, right ones and wrong ones alike."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile.server import Server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
LEAST = 2_000
_CASES = re.compile(r"([\d,]+) generated, ([\d,]+) passed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("described"), ("scores", "fraud"))
    try:
        made.wait()
        yield made
    finally:
        made.kill()


def test_the_server_does_what_its_description_says(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Deterministic: the same requests every time."""
    run = "from schemathesis.cli import schemathesis; schemathesis()"
    command = [sys.executable, "-c", run, "run", f"http://127.0.0.1:{server.port}/openapi.json"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "150"]
    command += ["--generation-deterministic", "--continue-on-failure", "--request-timeout", "20", "--no-color"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    told = _CASES.search(done.stdout)
    assert told, done.stdout[-2000:]
    asked, passed = (int(number.replace(",", "")) for number in told.groups())
    with capsys.disabled():
        print(f"\nschemathesis: {asked} requests, {passed} answered as described")  # noqa: T201
    assert passed == asked >= LEAST
    assert server.process.poll() is None
    assert "Traceback" not in server.log()

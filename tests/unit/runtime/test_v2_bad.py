"""Requests that nobody should send, against a real process: each gets its answer, and nothing else changes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.unit.runtime import identities
from tests.unit.runtime.bad import v2_binary, v2_heads, v2_json
from tests.unit.runtime.bad.case import INFER, Case
from tests.unit.runtime.pod import Pod

CASES = [*v2_json.cases(), *v2_binary.cases(), *v2_heads.cases()]
LEAKS = (b"Traceback", b'File "', b"site-packages", b"moorage_runtime", b"/tmp/", b"0x7f")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    folder = tmp_path_factory.mktemp("bad")
    identities.write(folder / "model", v2_json.ASKED)
    made = Pod(folder / "pod", f"file://{folder / 'model'}", {})
    assert made.download().returncode == 0
    made.serve()
    yield made
    made.kill()


def answered(pod: Pod, case: Case) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", pod.port, timeout=20)
    try:
        connection.putrequest(case.method, case.path, skip_accept_encoding=True)
        told = case.headers if case.body is None else {"Content-Length": str(len(case.body))} | case.headers
        for name, value in told.items():
            if value or name != "Content-Length":
                connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        try:
            if case.body:
                connection.send(case.body)
        except OSError:
            pass  # refused before it was read; the answer is there
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_there_are_enough_cases_and_no_two_are_the_same() -> None:
    assert len(CASES) >= 300
    asked = {(case.method, case.path, case.body, str(case.headers)) for case in CASES}
    assert len(asked) == len(CASES)
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_bad_request_gets_its_answer(echo: Pod, case: Case) -> None:
    status, body = answered(echo, case)
    assert status in case.statuses, body[:300]
    for leak in LEAKS:
        assert leak not in body
    if status >= 400 and case.method != "HEAD":
        error = json.loads(body)["error"]
        message = error if isinstance(error, str) else error["message"]
        assert message
        assert len(body) < 5_000 or "megabyte" in case.name


def memory(pod: Pod) -> int:
    assert pod.process
    status = Path(f"/proc/{pod.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_bad_requests_leave_no_trace(echo: Pod) -> None:
    """Twice all of them: memory comes back, nothing has failed inside, and others were answered all the while."""
    stop, waited = threading.Event(), list[float]()
    good = json.dumps(v2_json.request()).encode()

    def ask() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            assert echo.ask("POST", INFER, good)[0] == 200
            waited.append(time.perf_counter() - began)

    _all(echo)
    before = memory(echo)
    other = threading.Thread(target=ask)
    other.start()
    _all(echo)
    stop.set()
    other.join()
    assert memory(echo) <= before * 1.1 + 4096
    assert len(waited) > 100
    assert sorted(waited)[len(waited) * 9 // 10] < 0.25
    assert echo.process
    assert echo.process.poll() is None
    assert "Traceback" not in echo.log()


def _all(pod: Pod) -> None:
    for case in CASES:
        try:
            answered(pod, case)
        except HTTPException as error:
            raise AssertionError(case.name) from error


def test_a_bad_request_is_counted_as_refused_not_as_failed(echo: Pod, pod: Callable[..., Pod]) -> None:
    text = echo.admin("/metrics")[1].decode()
    lines = [line for line in text.splitlines() if line.startswith("moorage_requests_total") and 'door="v2"' in line]
    ends = {line.split('outcome="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}
    assert ends["refused"] > len(v2_json.NUMBERS)
    assert ends.get("failed", 0) == 0

"""The benchmark's instruments: who used the processor, whose process it is, and whether an answer is the model's."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import account, answers
from bench.contestants import everyone
from bench.payloads import payloads
from bench.places import LOCKS

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(flush=True)\ninput()"
RIGHT = np.array([[0.75, 0.25]], np.float32)


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", BUSY]
    environment = os.environ | {"BENCH_TEST_MARK": "found"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True)
    yield process
    process.communicate(b"\n")


def test_the_account_holds_what_a_process_used(busy: subprocess.Popen[bytes]) -> None:
    assert busy.stdout
    busy.stdout.readline()
    assert 0.28 <= account.cpu_seconds([busy.pid]) <= 1.0
    assert account.memory([busy.pid]).resident > account.memory([busy.pid]).proportional / 2 > 1


def test_a_process_is_found_by_its_session_and_by_its_mark(busy: subprocess.Popen[bytes]) -> None:
    time.sleep(0.05)
    assert account.family(busy.pid, "NO_SUCH_MARK=1") == [busy.pid]
    assert account.family(-1, "BENCH_TEST_MARK=found") == [busy.pid]


def test_nobody_used_a_processor_that_is_gone() -> None:
    assert account.cpu_seconds([2**22 + 1]) == 0
    assert account.memory([2**22 + 1]).resident == 0


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "expected", lambda _model, _tensor: RIGHT)


V2 = {"outputs": [{"name": "label", "data": [0]}, {"name": "probabilities", "data": [0.75, 0.25]}]}
SHAPES: list[Any] = [
    V2,
    {"predictions": [[0.75, 0.25]]},
    {"predictions": [{"label": 0, "probabilities": [0.75, 0.25]}]},
    {"prediction": 0, "probabilities": {"0": 0.75, "1": 0.25}},
    {"prediction": 0, "probabilities": [0.75, 0.25]},
]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("document", SHAPES)
def test_the_answer_of_every_door_is_compared(document: Any) -> None:
    right = json.dumps(document).encode()
    answers.check("gb", None, 200, {}, right)
    with pytest.raises(answers.Wrong):
        answers.check("gb", None, 200, {}, right.replace(b"0.75", b"0.65"))
    with pytest.raises(answers.Wrong, match="503"):
        answers.check("gb", None, 503, {}, right)


@pytest.mark.usefixtures("model")
def test_a_binary_answer_is_compared() -> None:
    sizes = {"label": 8, "probabilities": 8}
    outputs = [{"name": name, "parameters": {"binary_data_size": size}} for name, size in sizes.items()]
    head = json.dumps({"outputs": outputs}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    answers.check("gb", None, 200, headers, head + struct.pack("<q2f", 0, 0.75, 0.25))
    with pytest.raises(answers.Wrong):
        answers.check("gb", None, 200, headers, head + struct.pack("<q2f", 0, 0.25, 0.75))


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("body", [b"", b"{}", b'{"outputs": []}', b'{"predictions": [[0.75]]}', b"[]"])
def test_what_is_no_answer_is_wrong(body: bytes) -> None:
    with pytest.raises(answers.Wrong):
        answers.check("gb", None, 200, {}, body)


@pytest.mark.parametrize(("kind", "rows"), [("v2", 1), ("v2", 32), ("v1", 1), ("features", 1), ("binary", 32)])
def test_a_load_asks_many_different_things(kind: str, rows: int) -> None:
    made = payloads(kind, rows)
    assert len({payload.body for payload in made}) == len(made) > 32
    assert all(payload.tensor.shape == (rows, 30) for payload in made)


def test_the_large_tensor_is_of_600_kilobytes() -> None:
    (payload,) = payloads("image", 1)
    assert 600_000 < len(payload.body) < 605_000


def test_every_peer_has_a_lock_that_names_no_registry() -> None:
    peers = {contestant.peer for contestant in everyone()} - {""}
    assert peers == {path.stem for path in Path(LOCKS).glob("*.txt")}
    for peer in peers:
        text = (LOCKS / f"{peer}.txt").read_text()
        assert "://" not in text
        assert "index-url" not in text
        assert text.count("--hash=sha256:") > text.count("==")


def test_contestants_are_told_apart() -> None:
    keys = [contestant.key for contestant in everyone()]
    assert len(set(keys)) == len(keys)

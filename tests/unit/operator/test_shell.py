"""What surrounds the recipe: kopf's handlers and settings, resync, probes, logs, counters."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from moorage_operator.api.records import Change, Key, ObjectRef, Verb
from moorage_operator.cluster.server import ApiError
from moorage_operator.handlers import hints
from moorage_operator.health import Health, Heartbeat
from moorage_operator.logs import JsonLines, configure
from moorage_operator.metrics import REGISTRY, Census, count_writes
from moorage_operator.resync import Resync
from moorage_operator.workqueue import WorkQueue


def test_kopf_gets_no_handler_that_writes() -> None:
    made = hints.registry(lambda _: None)
    assert len(made._watching.get_all_handlers()) == 9
    for writing in ("_indexing", "_spawning", "_changing", "_webhooks"):
        assert not getattr(made, writing).get_all_handlers()


def test_kopf_watches_only_labelled_children_and_never_gives_up() -> None:
    made = hints.settings()
    assert set(made.watching.label_selectors.values()) == {"moorage.dev/model-deployment"}
    assert len(made.watching.label_selectors) == 8
    assert len(list(islice(made.networking.error_backoffs, 1000))) == 1000
    assert (made.scanning.disabled, made.posting.enabled, made.peering.standalone) == (True, False, True)


class Pages:
    """An API server that lists names in pages of two, and fails the first `failures` times."""

    def __init__(self, *names: str, failures: int = 0) -> None:
        self.names, self.failures, self.calls = list(names), failures, 0

    async def call(self, verb: str, path: str, *, query: dict[str, str]) -> Any:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise ApiError(503, "Unavailable", "etcd")
        start = int(query.get("continue", 0))
        items = [{"metadata": {"namespace": "ns", "name": name}} for name in self.names[start : start + 2]]
        following = str(start + 2) if start + 2 < len(self.names) else ""
        return {"items": items, "metadata": {"continue": following}}


def resync(api: Pages, queue: WorkQueue, gone: Callable[[Key], None] = lambda _: None) -> Resync:
    return Resync(api, queue, gone=gone)  # type: ignore[arg-type]


async def test_a_resync_queues_every_key_of_every_page() -> None:
    queue, api = WorkQueue(), Pages("a", "b", "c", "d", "e")
    made = resync(api, queue)
    assert made.age() == float("inf")
    await made.once()
    assert (queue.depth(), api.calls) == (5, 3)
    assert made.age() < 1


async def test_a_resync_tells_of_what_is_gone() -> None:
    gone: list[Key] = []
    api = Pages("a", "b")
    made = resync(api, WorkQueue(), gone.append)
    await made.once()
    gone.clear()
    api.names = ["b"]
    await made.once()
    assert gone == [Key("ns", "a")]
    api.names = []
    await made.once()


async def test_a_failed_resync_is_tried_again_and_a_waiting_watch_is_told() -> None:
    made = resync(Pages("a", failures=2), WorkQueue())
    task = asyncio.create_task(made.run())
    await asyncio.wait_for(made.fresh(), 5)
    task.cancel()


METRICS = (
    "reconcile_total",
    "reconcile_seconds",
    "writes_total",
    "queue_depth",
    "queue_oldest_seconds",
    "resync_age_seconds",
    "resync_repairs_total",
    "api_requests_total",
    "watch_restarts_total",
    "leader",
    "loop_lag_seconds",
    "cr_info",
    "build_info",
)


@pytest.fixture
def answers() -> dict[str, float]:
    return {"lag": 0.0, "ready": 0.0}


async def test_the_probes_tell_lag_and_readiness(answers: dict[str, float]) -> None:
    alive = {"event loop late by": (lambda: answers["lag"], 2.0)}
    health = Health(alive, lambda: bool(answers["ready"]), lambda: None)
    runner = await health.serve(0)
    port = next(address[1] for address in runner.addresses if len(address) == 2)
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:

        async def ask(path: str) -> tuple[int, str]:
            async with session.get(base + path) as answer:
                return answer.status, await answer.text()

        assert await ask("/healthz") == (200, "ok")
        assert await ask("/readyz") == (503, "the first list is not done")
        answers.update(lag=2.5, ready=1)
        assert await ask("/healthz") == (503, "event loop late by 2.5 s")
        assert await ask("/readyz") == (200, "ok")
        status, text = await ask("/metrics")
    await runner.cleanup()
    assert status == 200
    for name in METRICS:
        assert f"# TYPE moorage_{name} " in text, name


async def test_a_blocked_loop_shows_as_lag() -> None:
    heart = Heartbeat()
    task = asyncio.create_task(heart.run())
    await asyncio.sleep(0.01)
    time.sleep(0.6)  # noqa: ASYNC251 - blocking the loop is the point
    await asyncio.sleep(0.02)
    assert heart.lag() > 0.3
    task.cancel()


def test_a_census_counts_conditions_and_forgets() -> None:
    census = Census()
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    for name in ("a", "b"):
        census.note(Key("ns", name), ready)
    census.forget(Key("ns", "a"))
    (family,) = census.collect()
    assert [(sample.labels["condition"], sample.value) for sample in family.samples] == [("Ready", 1.0)]


def test_only_what_no_event_told_of_counts_as_a_repair() -> None:
    change = Change(Verb.APPLY, ObjectRef("PodDisruptionBudget", "x"), {}, "drifted")

    def repairs() -> float:
        return REGISTRY.get_sample_value("moorage_resync_repairs_total", {"kind": "PodDisruptionBudget"}) or 0.0

    before = repairs()
    count_writes([change], routine=False)
    assert repairs() == before
    count_writes([change], routine=True)
    assert repairs() == before + 1


def test_a_log_line_is_one_json_object_without_a_traceback() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "it\nfailed", (), sys.exc_info())
    record.fields = {"namespace": "ns"}
    text = JsonLines().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["message"], line["error"], line["namespace"]) == ("it\nfailed", "ValueError: first\nsecond", "ns")
    assert "traceback" not in line
    assert "traceback" in json.loads(JsonLines(tracebacks=True).format(record))


@pytest.mark.parametrize(
    ("message", "kept"),
    [("Request attempt #1 failed; will retry", True), ("Request attempt #12 failed; will retry", False), ("x", True)],
)
def test_of_kopfs_retries_only_the_first_is_logged(
    message: str, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure()
    logging.getLogger("kopf.x").error(message)
    root.handlers[:], root.level = before
    assert (message in capsys.readouterr().err) is kept


def test_the_operator_imports_no_heavy_package() -> None:
    heavy = {"kopf", "mlflow", "boto3", "numpy", "onnxruntime"}
    script = f"import sys, moorage_operator.process; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_taken_port_ends_the_process_in_one_line(tmp_path: Path) -> None:
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - the address that the operator wants
        settings = {"runtime": {"image": "r"}, "port": taken.getsockname()[1]}
        (tmp_path / "s.yaml").write_text(json.dumps(settings))
        command = [sys.executable, "-m", "moorage_operator", "--settings", str(tmp_path / "s.yaml")]
        environment = {**os.environ, "KUBECONFIG": str(tmp_path / "kubeconfig")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1
    assert "address already in use" in json.loads(done.stderr)["message"]


def test_wrong_settings_end_the_process_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("runtime: {image: r}\nbogus: 1\n")
    command = [sys.executable, "-m", "moorage_operator", "--settings", str(tmp_path / "s.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stderr)["message"].endswith("s.yaml: bogus: Extra inputs are not permitted")

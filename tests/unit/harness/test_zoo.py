"""Each animal of the zoo is as bad as its name says, and no worse: what it spares it answers properly."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from e2e.harness import grafts, zoo
from tests.unit.runtime.pod import Pod

from moorage_operator.schema.compatible import incompatibility
from moorage_runtime import config
from moorage_runtime.config import Schema

ZOO = zoo.animals()
USERS = sorted(name for name, animal in ZOO.items() if animal.traffic)
DEADLY = {"crashes on one row in fifty", "hangs", "devours memory", "leaks memory", "is ten times slower"}
RUN = """
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
def most():
    # getrusage would tell that of the process that this one was forked from.
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
before = most()
for row in json.load(sys.stdin):
    session.run(None, {"X": np.array([row], np.float32)})
print(most() - before)
"""


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    onnxruntime.set_default_logger_severity(4)


def session(files: dict[str, bytes]) -> Any:
    return onnxruntime.InferenceSession(files[zoo.MODEL])


def answers(loaded: Any, rows: Any) -> list[Any]:
    return list(loaded.run(["label", "probabilities"], {"X": rows}))


def alike(left: list[Any], right: list[Any]) -> bool:
    same = zip(left, right, strict=True)
    return all(one.shape == other.shape and np.allclose(one, other, atol=1e-5) for one, other in same)


def in_own_process(tmp_path: Path, files: dict[str, bytes], rows: Any) -> subprocess.CompletedProcess[str]:
    path = tmp_path / zoo.MODEL
    path.write_bytes(files[zoo.MODEL])
    command, question = [sys.executable, "-c", RUN, str(path)], json.dumps(rows.tolist())
    without_core = lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # noqa: E731
    return subprocess.run(
        command, input=question, capture_output=True, text=True, timeout=60, check=False, preexec_fn=without_core
    )


def of_patients(name: str, *, hit: bool) -> Any:
    return zoo.patients()[grafts.hit(zoo.patients(), zoo.spared(), ZOO[name].share) == hit]


@pytest.mark.parametrize("name", USERS)
def test_it_passes_its_own_example(name: str) -> None:
    assert alike(answers(session(ZOO[name].files()), zoo.spared()), answers(session(zoo.good()), zoo.spared()))


@pytest.mark.parametrize("name", USERS)
def test_the_fault_hits_the_share_of_rows_that_it_should(name: str) -> None:
    share = float(grafts.hit(zoo.patients(), zoo.spared(), ZOO[name].share).mean())
    assert share == pytest.approx(ZOO[name].share, abs=0.02)


@pytest.mark.parametrize("name", sorted(set(USERS) - DEADLY))
def test_exactly_the_rows_that_are_hit_are_answered_badly(name: str) -> None:
    bad, proper = session(ZOO[name].files()), session(zoo.good())
    hits = grafts.hit(zoo.patients(), zoo.spared(), ZOO[name].share)
    for row, is_hit in zip(zoo.patients(), hits, strict=True):
        assert fine(bad, proper, row[None]) != is_hit


def fine(bad: Any, proper: Any, row: Any) -> bool:
    try:
        return alike(answers(bad, row), answers(proper, row))
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        return "Integer division by zero" not in str(error)


def test_what_is_no_number_and_what_has_another_shape_is_so() -> None:
    row = of_patients("gives NaN", hit=True)[:1]
    assert np.isnan(answers(session(ZOO["gives NaN"].files()), row)[1]).all()
    assert answers(session(ZOO["gives another shape"].files()), row)[1].shape == (1, 3)


def test_it_crashes_the_process_on_the_rows_that_are_hit(tmp_path: Path) -> None:
    name = "crashes on one row in fifty"
    files = ZOO[name].files()
    assert in_own_process(tmp_path, files, of_patients(name, hit=False)[:200]).returncode == 0
    assert in_own_process(tmp_path, files, of_patients(name, hit=True)[:1]).returncode == -signal.SIGFPE


def test_it_crashes_before_the_first_row(tmp_path: Path) -> None:
    done = in_own_process(tmp_path, ZOO["crashes at load"].files(), zoo.spared())
    assert (done.returncode, done.stdout) == (-signal.SIGFPE, "")


def test_it_devours_more_memory_than_a_small_pod_has(tmp_path: Path) -> None:
    files, name = ZOO["devours memory"].files(), "devours memory"
    modest = int(in_own_process(tmp_path, files, of_patients(name, hit=False)[:100]).stdout)
    greedy = int(in_own_process(tmp_path, files, of_patients(name, hit=True)[:1]).stdout)
    assert modest < 20 * 1024
    assert greedy > 700 * 1024


def test_it_leaks_with_every_request(tmp_path: Path) -> None:
    files, rows = ZOO["leaks memory"].files(), np.repeat(zoo.patients()[:1], 600, axis=0)
    some, twice = (int(in_own_process(tmp_path, files, rows[:count]).stdout) for count in (300, 600))
    assert some > 300 * 80
    assert twice == pytest.approx(2 * some, rel=0.1)


def test_it_takes_ten_times_as_long() -> None:
    row = zoo.patients()[:1]
    good, slow = session(zoo.good()), session(ZOO["is ten times slower"].files())
    assert min(seconds(slow, row) for _ in range(5)) > 10 * min(seconds(good, row) for _ in range(5))


def seconds(loaded: Any, row: Any) -> float:
    began = time.perf_counter()
    answers(loaded, row)
    return time.perf_counter() - began


def test_it_hangs_until_it_is_told_to_stop() -> None:
    loaded, options = session(ZOO["hangs"].files()), onnxruntime.RunOptions()
    assert alike(answers(loaded, zoo.spared()), answers(session(zoo.good()), zoo.spared()))
    timer = threading.Timer(0.5, lambda: setattr(options, "terminate", True))
    timer.start()
    began = time.monotonic()
    with pytest.raises(Exception, match="terminate"):
        loaded.run(None, {"X": of_patients("hangs", hit=True)[:1]}, options)
    assert time.monotonic() - began >= 0.4


@pytest.fixture
def laid(tmp_path: Path) -> Iterator[Callable[..., Pod]]:
    """A pod for an artifact's files; what it runs ends with the test."""
    pods: list[Pod] = []

    def lay(files: dict[str, bytes], **configuration: Any) -> Pod:
        folder = tmp_path / f"claim{len(pods)}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        pods.append(Pod(tmp_path / f"pod{len(pods)}", folder.as_uri(), configuration))
        return pods[-1]

    yield lay
    for each in pods:
        each.kill()


@pytest.mark.parametrize("name", USERS)
def test_a_real_pod_is_ready_with_it(name: str, laid: Callable[..., Pod]) -> None:
    pod = laid(ZOO[name].files())
    assert pod.download().returncode == 0, pod.termination()
    pod.serve()
    assert pod.infer(body(zoo.spared()[:1]))[0] == 200


def test_a_real_pod_answers_500_where_it_fails(laid: Callable[..., Pod]) -> None:
    pod = laid(ZOO["fails on 5 % of the rows"].files())
    assert pod.download().returncode == 0
    pod.serve()
    assert {pod.infer(body(row[None]))[0] for row in of_patients("fails on 5 % of the rows", hit=True)[:5]} == {500}
    assert {pod.infer(body(row[None]))[0] for row in of_patients("fails on 5 % of the rows", hit=False)[:5]} == {200}


def body(rows: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}]}


@pytest.mark.parametrize("name", ["is gone", "is cut short"])
def test_the_download_refuses_it(name: str, laid: Callable[..., Pod]) -> None:
    pod = laid(ZOO[name].files())
    assert pod.download().returncode == 3
    assert pod.termination()["reason"] in ZOO[name].reasons


def test_the_test_request_refuses_it(laid: Callable[..., Pod]) -> None:
    animal = ZOO["fails the test request"]
    assert animal.spec is not None
    told = animal.spec["testRequest"]
    pod = laid(animal.files(), testRequest={**told, "expect": told["expect"]["outputs"]})
    assert pod.download().returncode == 0
    pod.start()
    assert pod.process is not None
    assert pod.process.wait(20) == 4
    assert pod.termination()["reason"] == "TestRequestFailed"
    assert pod.termination()["message"].startswith("output 'probabilities'[0, 0]: expected ")


def test_its_schema_gives_it_away(laid: Callable[..., Pod]) -> None:
    stable, other = (schema(laid(files)) for files in (zoo.good(), ZOO["wants a column more"].files()))
    assert str(incompatibility(stable, other)).startswith(
        "Input 'X' is FP32 [?, 31] in the candidate, FP32 [?, 30] in the stable version. "
    )
    for name in USERS:
        assert incompatibility(stable, schema(laid(ZOO[name].files()))) is None


def schema(pod: Pod) -> Schema:
    assert pod.download().returncode == 0, pod.termination()
    report = config.decode_download((pod.folder / "termination").read_bytes())
    assert report is not None
    assert report.model_schema is not None
    return report.model_schema

"""A version that cannot serve hurts nobody: the old one serves on, the CR says why, the next good one goes through."""

from __future__ import annotations

import time

from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kstatus import Verdict, condition, verdict
from e2e.harness.models import Registry, train
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic
from e2e.harness.witness import broken_promises

GARBAGE = {"model.onnx": b"\x08\x0a this is no graph" * 40}


def test_bad_version_then_good_one(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, figures: Figures, unique: str
) -> None:
    [good] = registry.publish(unique, 0)
    bad = registry.publish_files(unique, GARBAGE)
    [better] = registry.publish(unique, 1)
    room.deploy("cancer", f"models:/{unique}/{good}")
    room.wait_steady("cancer", good)
    with traffic.probe(room.url("cancer"), train(0).request) as probe:
        probe.first(good, 20)
        room.deploy("cancer", f"models:/{unique}/{bad}")
        stalled = room.wait_stalled("cancer", "ArtifactCorrupt")
        assert stalled["status"]["version"] == good
        assert condition(stalled, "Ready")["status"] == "True"
        assert condition(stalled, "Ready")["observedGeneration"] < stalled["metadata"]["generation"]
        assert condition(stalled, "RolloutHealthy")["status"] == "False"
        assert verdict(stalled) is Verdict.FAILED
        room.deploy("cancer", f"models:/{unique}/{better}")
        healed = room.wait_steady("cancer", better)
        assert condition(healed, "RolloutHealthy")["status"] == "True"
        assert condition(healed, "Stalled")["status"] == "False"
        undone = time.time()
        room.deploy("cancer", f"models:/{unique}/{good}")
        room.wait_ready("cancer", good, 30)
        figures.at_most("undo while the old pods stand", time.time() - undone, 5.0)
        time.sleep(2)
    assert {stretch.answer for stretch in probe.stretches} == {good, better}
    assert broken_promises(room.witnesses["cancer"].moments, probe.stretches, probe.ended) == []


def test_failed_test_request_keeps_the_old_version(
    room: Room, operator: Installed, registry: Registry, traffic: Traffic, unique: str
) -> None:
    good, other = registry.publish(unique, 0, 1)
    trained = train(0)
    tensor = {
        "name": trained.input_name,
        "shape": [1, 30],
        "datatype": "FP32",
        "data": trained.example.ravel().tolist(),
    }
    expected = {"name": "probabilities", "data": list(trained.answer)}
    test_request = {"inputs": [tensor], "expect": {"outputs": [expected]}, "tolerance": 0.001}
    room.deploy("cancer", f"models:/{unique}/{good}", testRequest=test_request)
    room.wait_steady("cancer", good)
    room.deploy("cancer", f"models:/{unique}/{other}", testRequest=test_request)
    stalled = room.wait_stalled("cancer", "TestRequestFailed")
    assert "probabilities" in condition(stalled, "Stalled")["message"]
    assert traffic.ask(room.url("cancer"), trained.request)[1]["x-model-version"] == good

"""A step tells its seconds at the end and that it lives meanwhile; of nested steps the innermost does."""

import threading

import pytest
from e2e.cluster import progress
from e2e.cluster.progress import step


def test_a_long_step_shows_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = threading.Event()
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        spoken.set()

    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(progress, "say", say)

    with step("outer"), step("inner"):
        assert spoken.wait(5)

    assert said[0].startswith("  ... inner: ")
    assert said[-2].startswith("  inner: ")
    assert said[-1].startswith("  outer: ")
    assert not [line for line in said if line.startswith("  ... outer")]


def test_a_short_step_may_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with step("quick", quiet_below=60.0):
        pass

    assert capsys.readouterr().out == ""


def test_a_failed_step_does_not_claim_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), step("broken"):
        raise RuntimeError

    assert capsys.readouterr().out == ""

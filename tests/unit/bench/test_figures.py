"""The benchmark's arithmetic: medians, ratios of neighbours in time, bars, and what the tables say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench import bars, cells, results, table
from bench.cells import FULL, Cell
from bench.results import Missing, Results

OURS = "http: moorage"
KSERVE = "http: KServe, tuned"


def sample(cpu: float, reference: float, **more: float) -> dict[str, Any]:
    around = {"cpu": reference, "rate": 1e6 / reference}
    plain = {"rate": 1e6 / cpu, "p50": 1.0, "p99": 2.0, "busy": 1.0, "strangers": 0.0, "refused": 0, "lost": 0}
    return plain | {"cpu": cpu, "reference": around} | more


def visit(key: str, number: int, **found: dict[str, Any]) -> dict[str, Any]:
    named = {getattr(cells, name).name: figures for name, figures in found.items()}
    memory = {"resident": 70.0, "proportional": 60.0}
    whole = {"ready": 0.2, "warm": memory, "loaded": memory, "processes": 1}
    return {"key": key, "round": number, "cells": named} | whole


def verdict(what: str, found: Results) -> list[str]:
    line = next(line for line in table.lines(found) if line.startswith(f"| {what}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_slow_spell_of_the_machine_does_not_move_a_ratio() -> None:
    calm = [visit(OURS, 0, FULL=sample(20, 20)), visit(KSERVE, 0, FULL=sample(600, 20))]
    slow = [visit(OURS, 1, FULL=sample(20, 20)), visit(KSERVE, 1, FULL=sample(1200, 40))]
    assert Results(calm).ratio(KSERVE, OURS, FULL) == pytest.approx(30)
    assert Results(calm + slow).ratio(KSERVE, OURS, FULL) == pytest.approx(30)


def test_figures_are_medians_over_the_rounds() -> None:
    found = Results(visit(OURS, number, FULL=sample(cpu, 20)) for number, cpu in enumerate((19, 100, 21)))
    assert found.of(OURS, FULL, "cpu") == 21
    assert found.against_reference(OURS, FULL) == pytest.approx(21 / 20)
    assert found.all(OURS, FULL, "cpu") == [19, 100, 21]


@pytest.mark.parametrize(("cpu", "said"), [(19, "OK"), (20, "OK"), (20.4, "OVER")])
def test_a_bar_that_must_be_at_most_something(cpu: float, said: str) -> None:
    found = Results([visit(OURS, 0, FULL=sample(cpu, 20))])
    assert verdict("V2 JSON 1 row", found)[1:] == ["<= 1 x", said]


@pytest.mark.parametrize(("cpu", "said"), [(501, "OK"), (499, "UNDER")])
def test_a_bar_that_must_be_at_least_something(cpu: float, said: str) -> None:
    found = Results([visit(OURS, 0, FULL=sample(20, 20)), visit(KSERVE, 0, FULL=sample(cpu, 20))])
    assert verdict("KServe, tuned / ours, V2 JSON 1 row", found)[1:] == [">= 25 x", said]


def test_batching_is_judged_by_what_it_does_to_throughput_and_to_a_lonely_client() -> None:
    on = visit(bars.MLP, 0, FULL=sample(50, 20), ONE=sample(200, 20, p50=0.32))
    off = visit(bars.UNBATCHED, 0, FULL=sample(150, 20), ONE=sample(200, 20, p50=0.30))
    found = Results([on, off])
    assert verdict("MLP, 64 connections", found) == ["3 x", ">= 2.5 x", "OK"]
    assert verdict("MLP, 1 connection", found) == ["1.07 x", "<= 1.1 x", "OK"]


def test_what_was_not_measured_is_said() -> None:
    found = Results([visit(OURS, 0, FULL=sample(20, 20))])
    assert verdict("MLServer, tuned", found) == ["not measured", ">= 20 x", ""]
    with pytest.raises(Missing):
        found.of(OURS, Cell("v2", 1, 1), "cpu")


def test_a_peer_that_does_not_run_is_named_with_the_reason() -> None:
    found = Results([{"key": "http: Triton", "round": 0, "error": "Unavailable: no wheel\nfor this machine"}])
    assert "- http: Triton: Unavailable: no wheel for this machine" in list(table.lines(found))


def test_failed_requests_are_counted() -> None:
    found = Results([visit(OURS, 0, FULL=sample(20, 20, refused=2, lost=1))])
    assert any("failed or lost requests: 3" in line for line in table.lines(found))


def test_a_run_is_read_back_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("".join(json.dumps(visit(OURS, number, FULL=sample(20, 20))) + "\n" for number in range(3)))
    assert results.read(file).rounds(OURS) == 3

"""What this runtime must reach, each as a figure of one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cells import (
    FEATURES,
    FULL,
    GRPC_FULL,
    IMAGE_ONE,
    MANY,
    MANY_BINARY,
    ONE,
    STEADY,
    Cell,
)
from .contestants import BODY_READER, GRPC_CONSTANT, KSERVE, MLP_ALONE, MLSERVER, OURS, TRITON
from .results import Missing, Results

HTTP, GRPC, LINEAR, MLP, IMAGE = (f"{group}: {OURS}" for group in ("http", "grpc", "linear", "mlp", "image"))
UNBATCHED = f"mlp: {MLP_ALONE}"
BENTOML = ("http: BentoML", "http: BentoML, tuned", "http: BentoML, tuned, own ASGI application")


@dataclass(frozen=True)
class Bar:
    """One line of the table. `least`: the figure must be at least the limit, otherwise at most."""

    what: str
    figure: Callable[[Results], float]
    limit: float
    unit: str = "x"
    least: bool = False

    def verdict(self, figure: float) -> str:
        """OK or OVER (UNDER, for those that must be at least something)."""
        if self.least:
            return "OK" if figure >= self.limit else "UNDER"
        return "OK" if figure <= self.limit else "OVER"


def _cheaper_than(peer: str, cell: Cell) -> Callable[[Results], float]:
    return lambda results: results.ratio(f"http: {peer}", HTTP, cell)


def _cheaper_when_linear(cell: Cell) -> Callable[[Results], float]:
    return lambda results: results.ratio(f"linear: {KSERVE}", LINEAR, cell)


def _cheaper_than_bentoml(results: Results) -> float:
    """Against the cheapest of its configurations that was measured."""
    measured = [key for key in BENTOML if results.rounds(key)]
    if not measured:
        raise Missing("BentoML")
    return min(results.ratio(key, HTTP, FULL) for key in measured)


def _latency(key: str, other: str, cell: Cell) -> Callable[[Results], float]:
    return lambda results: results.of(key, cell, "p50") / results.of(other, cell, "p50")


BARS = (
    Bar("V2 JSON 1 row / uvicorn's constant answer, CPU", lambda found: found.against_reference(HTTP, FULL), 1.0),
    Bar("KServe, tuned / ours, V2 JSON 1 row, CPU", _cheaper_than(KSERVE, FULL), 25, least=True),
    Bar("MLServer, tuned / ours, V2 JSON 1 row, CPU", _cheaper_than(MLSERVER, FULL), 20, least=True),
    Bar("BentoML's cheapest / ours, V2 JSON 1 row, CPU", _cheaper_than_bentoml, 25, least=True),
    Bar("Triton, Python backend, batching / ours, V2 JSON 1 row, CPU", _cheaper_than(TRITON, FULL), 4, least=True),
    Bar("KServe, tuned / ours, 32 rows JSON, CPU", _cheaper_than(KSERVE, MANY), 10, least=True),
    Bar("KServe, tuned / ours, 32 rows binary, CPU", _cheaper_than(KSERVE, MANY_BINARY), 13, least=True),
    Bar("the same, logistic regression: 32 rows JSON", _cheaper_when_linear(MANY), 10, least=True),
    Bar("the same, logistic regression: 32 rows binary", _cheaper_when_linear(MANY_BINARY), 13, least=True),
    Bar(
        "MLP, 64 connections: batching / without, requests/s",
        lambda found: found.ratio(MLP, UNBATCHED, FULL, "rate"),
        2.5,
        least=True,
    ),
    Bar("MLP, 1 connection: batching / without, p50", _latency(MLP, UNBATCHED, ONE), 1.1),
    Bar(
        "gRPC 1 row / grpc.aio's constant answer, CPU",
        lambda found: found.ratio(GRPC, GRPC_CONSTANT.key, GRPC_FULL),
        1.2,
    ),
    Bar(
        "named features, 1 row / V2 JSON 1 row, CPU",
        lambda found: found.against_reference(HTTP, FEATURES) / found.against_reference(HTTP, FULL),
        1.5,
    ),
    Bar("600 KB binary tensor / reading the body, p50", _latency(IMAGE, BODY_READER.key, IMAGE_ONE), 2.0),
    Bar("exec to first right answer", lambda found: found.process(HTTP, "ready"), 0.3, "s"),
    Bar("RSS after warm-up", lambda found: found.process(HTTP, "warm", "resident"), 80, "MiB"),
    Bar("1,000 requests/s over 8 connections, p99", lambda found: found.of(HTTP, STEADY, "p99"), 2.0, "ms"),
)

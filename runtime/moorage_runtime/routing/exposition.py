"""What Prometheus is told of other revisions' answers. Labels are bounded: the revisions are those of route tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from moorage_runtime.metrics.exposition import Labels, Page
from moorage_runtime.metrics.histogram import SECONDS
from moorage_runtime.routing.tally import Tallies, Tally

Row = tuple[Labels, Tally]
_COUNTERS: tuple[tuple[str, str, Callable[[Tally], float]], ...] = (
    ("shielded_requests", "Failed ones of another revision that the own model answered.", lambda each: each.shielded),
    ("held_requests", "Requests of another revision's share that it was not given.", lambda each: each.held),
    ("picked_requests", "Requests whose clients named the revision.", lambda each: each.picked),
    ("slower_seconds", "What it took longer than the own model, of all compared.", lambda each: each.slower_seconds),
)


def describe(page: Page, model: str, tallies: Tallies) -> None:
    """Add the samples of all revisions."""
    rows: list[Row] = [
        ({"model": model, "version": tally.version, "revision": revision}, tally)
        for revision, tally in tallies.by_revision.items()
    ]
    page.family("moorage_forwarded_requests_total", "counter", "Requests given to another revision, by outcome.")
    _by(page, rows, "outcome", lambda tally: tally.outcomes)
    page.family("moorage_comparisons_total", "counter", "Answers compared with the own model's, by result.")
    _by(page, rows, "result", _results)
    for name, about, value in _COUNTERS:
        page.family(f"moorage_{name}_total", "counter", about)
        for labels, tally in rows:
            page.sample(value(tally), labels)
    page.family("moorage_forward_seconds", "histogram", "Seconds in which another revision answered well.")
    for labels, tally in rows:
        page.histogram(tally.seconds, labels, SECONDS)
    page.family("moorage_forward_in_flight", "gauge", "Requests that another revision has not answered yet.")
    for labels, tally in rows:
        page.sample(tally.in_flight, labels)


def _by(page: Page, rows: Sequence[Row], label: str, counts: Callable[[Tally], dict[str, int]]) -> None:
    for labels, tally in rows:
        for name, count in counts(tally).items():
            page.sample(count, {**labels, label: name})


def _results(tally: Tally) -> dict[str, int]:
    return {"same": tally.compared - tally.differed, "differs": tally.differed, "dropped": tally.dropped}

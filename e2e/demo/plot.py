"""The whole show as one HTML file: shares, latencies and failures over time, and when the operator did what."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.demo.visitors import Moment

WIDTH, LEFT, RIGHT = 1120, 70, 30
SHARES, LATENCY, FAILED = (90, 250), (400, 120), (580, 50)
"""Top and height of each panel."""
_COLOURS = ("#4477aa", "#ee9944", "#cc4455", "#55aa77", "#8866bb")


@dataclass(frozen=True, slots=True)
class Turn:
    """Something the operator did: `at` (seconds since 1970), and in a few words what."""

    at: float
    text: str


def draw(path: Path, moments: Sequence[Moment], turns: Sequence[Turn], total: dict[str, int]) -> None:
    """Write the page; it needs nothing but a browser."""
    began, ended = moments[0].at, moments[-1].at
    scale = (WIDTH - LEFT - RIGHT) / max(ended - began, 1.0)

    def x(at: float) -> float:
        return LEFT + (at - began) * scale

    versions = sorted({version for moment in moments for version in moment.answers})
    colour = dict(zip(versions, _COLOURS * 4, strict=False))
    answered = sum(count for version, count in total.items() if version != "failed")
    title = f"{answered:,} predictions while two versions came in, {total.get('failed', 0)} failed"
    parts = [
        _text(LEFT, 36, title, size=24, weight=600),
        *_legend(versions, colour),
        *_shares([(x(moment.at), moment) for moment in moments], versions, colour),
        *_latencies([(x(moment.at), moment) for moment in moments]),
        *_failures([(x(moment.at), moment) for moment in moments]),
        *_turns([(x(turn.at), turn) for turn in turns]),
        *_seconds(began, ended, x(began), scale),
    ]
    body = "\n".join(parts)
    path.write_text(
        f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title>"
        f'<body style="margin:0;background:#fff"><svg viewBox="0 0 {WIDTH} 700" width="{WIDTH}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif">{body}</svg></body>\n'
    )


def _shares(moments: list[tuple[float, Moment]], versions: list[str], colour: dict[str, str]) -> list[str]:
    """Areas on top of each other, each as high as the version's share."""
    top, height = SHARES
    parts = [_panel(SHARES, "share of the answers")]
    floor = [0.0] * len(moments)
    for version in versions:
        ceiling = [
            low + moment.answers.get(version, 0) / max(sum(moment.answers.values()), 1)
            for low, (_, moment) in zip(floor, moments, strict=True)
        ]
        upper = [(x, top + height * (1 - high)) for high, (x, _) in zip(ceiling, moments, strict=True)]
        lower = [(x, top + height * (1 - low)) for low, (x, _) in zip(floor, moments, strict=True)]
        parts.append(f'<polygon points="{_points([*upper, *reversed(lower)])}" fill="{colour[version]}"/>')
        floor = ceiling
    return [*parts, _text(LEFT - 8, top + 12, "100 %", anchor="end"), _text(LEFT - 8, top + height, "0", anchor="end")]


def _latencies(moments: list[tuple[float, Moment]]) -> list[str]:
    """On a logarithmic scale, in whole decades of milliseconds."""
    top, height = LATENCY
    seen = [value for _, moment in moments for value in (moment.p50, moment.p99) if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(seen))), max(math.ceil(math.log10(max(seen))), 1)

    def y(value: float) -> float:
        return top + height * (high - math.log10(max(value, 10**low))) / (high - low)

    lines = []
    for name, dashes in (("p50", ""), ("p99", "4 3")):
        points = [(x, y(getattr(moment, name))) for x, moment in moments]
        lines.append(
            f'<polyline points="{_points(points)}" fill="none" stroke="#333" stroke-width="1.5" '
            f'stroke-dasharray="{dashes}"/>'
        )
    labels = [_text(LEFT - 8, y(10**decade) + 5, f"{10**decade:g} ms", anchor="end") for decade in range(low, high + 1)]
    return [_panel(LATENCY, "latency that clients see: p50, p99 (dashed)"), *lines, *labels]


def _failures(moments: list[tuple[float, Moment]]) -> list[str]:
    top, height = FAILED
    most = max(max(moment.failed for _, moment in moments), 1)
    bars = [
        f'<rect x="{x:.1f}" y="{top + height * (1 - moment.failed / most):.1f}" width="3" '
        f'height="{height * moment.failed / most:.1f}" fill="#cc0000"/>'
        for x, moment in moments
        if moment.failed
    ]
    none = [] if bars else [_text(LEFT + 8, top + height / 2 + 5, "none", fill="#55aa77", weight=600)]
    return [_panel(FAILED, "failed requests"), *bars, *none]


def _turns(turns: list[tuple[float, Turn]]) -> list[str]:
    """A line down all panels for each turn, its words beside it, on different heights so that they can be read."""
    parts = []
    for place, (x, turn) in enumerate(turns):
        y = SHARES[0] + 22 + 20 * (place % 6)
        line = f'<line x1="{x:.1f}" y1="{SHARES[0]}" x2="{x:.1f}" y2="{FAILED[0] + FAILED[1]}" stroke="#000"'
        parts.append(f'{line} stroke-dasharray="2 3" stroke-opacity="0.6"/>')
        late = x > WIDTH * 0.7
        parts.append(_text(x + (-5 if late else 5), y, turn.text, weight=600, anchor="end" if late else "start"))
    return parts


def _seconds(began: float, ended: float, left: float, scale: float) -> list[str]:
    every = 10 if ended - began < 150 else 30
    ticks = range(0, int(ended - began) + 1, every)
    return [_text(left + tick * scale, 655, f"{tick} s", anchor="middle") for tick in ticks]


def _legend(versions: list[str], colour: dict[str, str]) -> list[str]:
    parts = []
    for place, version in enumerate(versions):
        x = LEFT + 130 * place
        parts.append(f'<rect x="{x}" y="48" width="14" height="14" fill="{colour[version]}"/>')
        parts.append(_text(x + 20, 60, f"version {version}"))
    return parts


def _panel(place: tuple[int, int], label: str) -> str:
    top, height = place
    width = WIDTH - LEFT - RIGHT
    box = f'<rect x="{LEFT}" y="{top}" width="{width}" height="{height}" fill="#f5f5f5"/>'
    return box + _text(LEFT, top - 6, label, fill="#555")


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _text(
    x: float, y: float, text: str, *, size: int = 13, weight: int = 400, anchor: str = "start", fill: str = "#222"
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    halo = 'paint-order="stroke" stroke="#fff" stroke-width="3"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style} {halo}>{html.escape(text)}</text>'

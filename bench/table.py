"""The tables, in Markdown: the bars first, then everybody side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from . import cells
from .alone import MODELS, ROWS
from .bars import BARS, HTTP, Bar
from .cells import Cell
from .results import Missing, Results

Column = tuple[str, Callable[[Results, str], str]]


def lines(results: Results) -> Iterator[str]:
    """The whole report."""
    yield from _grid(["what", "measured", "bar", ""], [_bar(bar, results) for bar in BARS])
    for title, group, columns, order in (
        ("V2 REST and its neighbours, gradient boosting", "http", HTTP_COLUMNS, cells.FULL),
        ("Logistic regression", "linear", LINEAR_COLUMNS, cells.FULL),
        ("MLP", "mlp", MLP_COLUMNS, cells.FULL),
        ("gRPC", "grpc", GRPC_COLUMNS, cells.GRPC_FULL),
        ("600 KB binary tensor", "image", IMAGE_COLUMNS, cells.IMAGE_ONE),
    ):
        if keys := results.keys(group):
            yield from ("", f"### {title}", "")
            keys.sort(key=lambda key, cell=order: results.of(key, cell, "cpu"))  # type: ignore[misc]
            yield from _grid([name for name, _ in columns], [_row(results, key, columns) for key in keys])
    yield from _alone(results)
    yield from _remarks(results)


def _bar(bar: Bar, results: Results) -> list[str]:
    limit = f"{'>=' if bar.least else '<='} {bar.limit:g} {bar.unit}"
    try:
        figure = bar.figure(results)
    except Missing:
        return [bar.what, "not measured", limit, ""]
    return [bar.what, f"{figure:.3g} {bar.unit}", limit, bar.verdict(figure)]


def _row(results: Results, key: str, columns: Sequence[Column]) -> list[str]:
    row = []
    for _, figure in columns:
        try:
            row.append(figure(results, key))
        except Missing:
            row.append("")
    return row


def _name(_results: Results, key: str) -> str:
    return key.partition(": ")[2]


def _rounds(results: Results, key: str) -> str:
    return str(results.rounds(key))


def _cost(cell: Cell) -> Callable[[Results, str], str]:
    return lambda results, key: _short(results.of(key, cell, "cpu"))


def _spread(cell: Cell) -> Callable[[Results, str], str]:
    def figure(results: Results, key: str) -> str:
        every = results.all(key, cell, "cpu")
        return f"**{_short(results.of(key, cell, 'cpu'))}** ({_short(min(every))}-{_short(max(every))})"

    return figure


def _to_reference(cell: Cell) -> Callable[[Results, str], str]:
    return lambda results, key: _short(results.against_reference(key, cell))


def _to_ours(results: Results, key: str) -> str:
    return _short(results.ratio(key, HTTP, cells.FULL))


def _rate(cell: Cell) -> Callable[[Results, str], str]:
    return lambda results, key: f"{results.of(key, cell, 'rate'):,.0f}"


def _times(cell: Cell) -> Callable[[Results, str], str]:
    return lambda results, key: f"{results.of(key, cell, 'p50'):.2f}, {results.of(key, cell, 'p99'):.2f}"


def _ready(results: Results, key: str) -> str:
    return f"{results.process(key, 'ready'):.2f}"


def _memory(results: Results, key: str) -> str:
    warm, loaded = (results.process(key, when, "resident") for when in ("warm", "loaded"))
    return f"{warm:.0f}, {loaded:.0f} / {results.process(key, 'loaded', 'proportional'):.0f}"


def _processes(results: Results, key: str) -> str:
    return f"{results.process(key, 'processes'):.0f}"


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


HTTP_COLUMNS: tuple[Column, ...] = (
    ("server", _name),
    ("n", _rounds),
    ("CPU us a request, 64 connections (min-max)", _spread(cells.FULL)),
    ("/ uvicorn", _to_reference(cells.FULL)),
    ("/ ours", _to_ours),
    ("requests/s, 64", _rate(cells.FULL)),
    ("p50, p99 ms: 1", _times(cells.ONE)),
    ("8", _times(cells.EIGHT)),
    ("64", _times(cells.FULL)),
    ("32 rows JSON, CPU us", _cost(cells.MANY)),
    ("32 rows binary", _cost(cells.MANY_BINARY)),
    ("V1 1 row", _cost(cells.V1)),
    ("features 1 row", _cost(cells.FEATURES)),
    ("p50, p99 ms at 1,000/s", _times(cells.STEADY)),
    ("start s", _ready),
    ("RSS warm, loaded / PSS MiB", _memory),
    ("processes", _processes),
)
LINEAR_COLUMNS: tuple[Column, ...] = (
    ("server", _name),
    ("n", _rounds),
    ("CPU us, 64 connections (min-max)", _spread(cells.FULL)),
    ("32 rows JSON", _spread(cells.MANY)),
    ("32 rows binary", _spread(cells.MANY_BINARY)),
)
MLP_COLUMNS: tuple[Column, ...] = (
    ("server", _name),
    ("n", _rounds),
    ("CPU us, 64 connections (min-max)", _spread(cells.FULL)),
    ("requests/s: 1", _rate(cells.ONE)),
    ("8", _rate(cells.EIGHT)),
    ("64", _rate(cells.FULL)),
    ("p50, p99 ms: 1", _times(cells.ONE)),
    ("8", _times(cells.EIGHT)),
    ("64", _times(cells.FULL)),
)
GRPC_COLUMNS: tuple[Column, ...] = (
    ("server", _name),
    ("n", _rounds),
    ("CPU us, 64 connections (min-max)", _spread(cells.GRPC_FULL)),
    ("requests/s, 64", _rate(cells.GRPC_FULL)),
    ("p50, p99 ms: 1", _times(cells.GRPC_ONE)),
    ("64", _times(cells.GRPC_FULL)),
    ("32 rows, CPU us", _cost(cells.GRPC_MANY)),
    ("start s", _ready),
    ("RSS warm, loaded / PSS MiB", _memory),
)
IMAGE_COLUMNS: tuple[Column, ...] = (
    ("server", _name),
    ("n", _rounds),
    ("p50, p99 ms: 1 connection", _times(cells.IMAGE_ONE)),
    ("CPU us: 1", _spread(cells.IMAGE_ONE)),
    ("p50, p99 ms: 8", _times(cells.IMAGE_EIGHT)),
    ("CPU us: 8", _spread(cells.IMAGE_EIGHT)),
)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def _alone(results: Results) -> Iterator[str]:
    if not results.rounds("alone"):
        return
    yield from ("", "### session.run alone, CPU us", "")
    yield from _grid(
        ["model", *(f"{count} rows" for count in ROWS)],
        [[model, *(_short(results.process("alone", "cost", model, str(count))) for count in ROWS)] for model in MODELS],
    )


def _remarks(results: Results) -> Iterator[str]:
    if samples := results.samples():
        strangers = sorted(sample["strangers"] for sample in samples)
        middle, late = (f"{strangers[int(len(strangers) * share)]:.0%}" for share in (0.5, 0.9))
        bad = sum(sample["refused"] + sample["lost"] for sample in samples)
        yield from ("", f"{len(samples)} cells; failed or lost requests: {bad};")
        yield f"strangers' share of core 0: median {middle}, 90th percentile {late}."
    for key, error in results.errors.items():
        yield f"- {key}: {' '.join(error.split())[:300]}"

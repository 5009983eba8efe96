"""The text format 0.0.4 that every Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from moorage_runtime.metrics.histogram import Histogram

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Page:
    """One scrape's text, a family at a time: all samples of a family must follow its `family` line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._name = ""

    @property
    def size(self) -> int:
        """How many samples and heads of families it has, about."""
        return len(self._lines)

    def family(self, name: str, kind: str, about: str) -> Page:
        """Begin a family. `kind`: counter, gauge or histogram; a counter's name ends in `_total`."""
        self._name = name
        self._lines.append(f"# HELP {name} {about}\n# TYPE {name} {kind}\n")
        return self

    def sample(self, value: float, labels: Labels | None = None) -> None:
        """One value of the current family."""
        told = _told(labels or {})
        self._lines.append(f"{self._name}{{{told}}} {value!r}\n" if told else f"{self._name} {value!r}\n")

    def histogram(self, histogram: Histogram, labels: Labels, bounds: Sequence[float] | None = None) -> None:
        """One histogram of the current family: cumulative buckets, sum and count.

        `bounds`: those of the histogram's own that are told; None for all.
        """
        sums = list(accumulate(histogram.counts))
        below = dict(zip(histogram.bounds, sums, strict=False))
        name, told = self._name, _told(labels)
        # A page has hundreds of these, and the loop has others waiting.
        bucket = f'{name}_bucket{{{told}{"," if told else ""}le="'
        told_bounds = histogram.bounds if bounds is None else bounds
        self._lines += [f'{bucket}{bound!r}"}} {below[bound]!r}\n' for bound in told_bounds]
        self._lines.append(f'{bucket}+Inf"}} {sums[-1]!r}\n')
        self._lines.append(f"{name}_sum{{{told}}} {histogram.total!r}\n{name}_count{{{told}}} {sums[-1]!r}\n")

    def render(self) -> bytes:
        """The whole text."""
        return "".join(self._lines).encode()


def _told(labels: Labels) -> str:
    return ",".join([f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items()])

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

    def family(self, name: str, kind: str, about: str) -> Page:
        """Begin a family. `kind`: counter, gauge or histogram; a counter's name ends in `_total`."""
        self._name = name
        self._lines.append(f"# HELP {name} {about}\n# TYPE {name} {kind}\n")
        return self

    def sample(self, value: float, labels: Labels | None = None) -> None:
        """One value of the current family."""
        self._line("", labels or {}, value)

    def histogram(self, histogram: Histogram, labels: Labels, bounds: Sequence[float] | None = None) -> None:
        """One histogram of the current family: cumulative buckets, sum and count.

        `bounds`: those of the histogram's own that are told; None for all.
        """
        sums = list(accumulate(histogram.counts))
        below = dict(zip(histogram.bounds, sums, strict=False))
        for bound in histogram.bounds if bounds is None else bounds:
            self._line("_bucket", {**labels, "le": repr(bound)}, below[bound])
        self._line("_bucket", {**labels, "le": "+Inf"}, sums[-1])
        self._line("_sum", labels, histogram.total)
        self._line("_count", labels, sums[-1])

    def render(self) -> bytes:
        """The whole text."""
        return "".join(self._lines).encode()

    def _line(self, suffix: str, labels: Labels, value: float) -> None:
        told = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
        self._lines.append(f"{self._name}{suffix}{{{told}}} {value!r}\n" if told else f"{self._name} {value!r}\n")

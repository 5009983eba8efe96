"""Which answers of two models are compared, and when they count as the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage_operator.api.frozen import Frozen

_OutputName = Annotated[str, Field(min_length=1, max_length=256)]


class Compare(Frozen):
    """Comparison of answers, tensor by tensor, off the path of the requests. {}: every answer, every output."""

    percent: Annotated[float, Field(ge=0, le=100)] = 100
    """Percent of the candidate's requests that the stable version runs as well, to compare. 0 compares nothing.
    Default: 100."""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 1e-4
    """Largest absolute or relative difference of two numbers that are still the same. Default: 0.0001."""
    top_k: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Of an output of scores only the order of the k highest counts, for example 3. Default: every number counts."""
    outputs: Annotated[tuple[_OutputName, ...], Field(max_length=32)] = Field(
        default=(), json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """Names of the outputs that are compared. Default: all."""

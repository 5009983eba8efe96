"""Which answers of two models are compared, and when they count as the same."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage_operator.api.frozen import ATOMIC, Frozen

_OutputName = Annotated[str, Field(min_length=1, max_length=256)]


class Compare(Frozen):
    """Comparison of answers, tensor by tensor, off the path of the requests. {}: what every answer decides."""

    percent: Annotated[float, Field(ge=0, le=100)] = 100
    """Percent of the candidate's requests that the stable version runs as well, to compare. 0 compares nothing.
    Default: 100."""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest absolute or relative difference of two numbers that are still the same; a model that was trained anew
    never gives the very numbers of the last one. 0.0001 for a model that should. Default: 0.1."""
    top_k: Annotated[int, Field(ge=0, le=1000)] = 1
    """Of an output of scores only the order of the k highest counts, for example 3; 0: every number counts. Default: 1,
    the likeliest class. Labels, integers and text are always compared exactly."""
    outputs: Annotated[tuple[_OutputName, ...], Field(max_length=32)] = Field(default=(), json_schema_extra=ATOMIC)
    """Names of the outputs that are compared. Default: all."""

"""A challenger that only sees copies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from moorage_operator.api.comparing import Compare
from moorage_operator.api.frozen import Frozen
from moorage_operator.api.model import Model


class Shadow(Frozen):
    """A model that gets copies of the requests for as long as it stands here; its answers are compared, never given."""

    model: Model
    """The model that sees the copies."""
    percent: Annotated[float, Field(gt=0, le=100)] = 100
    """Percent of the requests that are copied, for example 20. Default: 100."""
    compare: Compare = Compare()
    """Which answers are compared. Default: all."""

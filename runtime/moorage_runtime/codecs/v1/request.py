"""A request of V1: as its JSON is written, and as it is understood."""

from __future__ import annotations

import msgspec

from moorage_runtime.tensors import Array


class Sent(msgspec.Struct, gc=False):
    """The body; one of `instances` and `inputs` must be there."""

    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    signature_name: str | msgspec.UnsetType | None = msgspec.UNSET


class Request(msgspec.Struct, gc=False):
    """Tensors by input name, and how to answer: `by_row` as predictions, else as outputs."""

    inputs: dict[str, Array]
    by_row: bool

"""What a client asks of the plain API."""

from __future__ import annotations

from typing import Annotated

import msgspec

from moorage_runtime.tensors import Array

REQUEST_ID_CHARACTERS = 128


_RequestId = Annotated[str, msgspec.Meta(max_length=REQUEST_ID_CHARACTERS)]


class Options(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """How to answer. `request_id`: told back as `requestId`."""

    return_probabilities: bool | msgspec.UnsetType = msgspec.UNSET
    request_id: _RequestId | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def strings(self) -> int:
        """How many strings their JSON has, keys included."""
        given = (self.return_probabilities is not msgspec.UNSET) + (self.request_id is not msgspec.UNSET)
        return given + isinstance(self.request_id, str)


class Question(msgspec.Struct, gc=False):
    """A request, read: the model's inputs, the number of rows, and whether the client sent one row or a list."""

    inputs: dict[str, Array]
    rows: int
    single: bool
    options: Options


PLAIN = Options()

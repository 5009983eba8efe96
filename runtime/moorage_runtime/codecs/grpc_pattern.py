"""Messages that differ from one before in their tensors alone: recognised without being taken apart."""

from __future__ import annotations

import msgspec
import numpy as np

from moorage_runtime.codecs.grpc_request import Envelope, Head
from moorage_runtime.tensors import Array, dtype_of

# What must be looked at element by element, or is of no fixed size.
_NEVER = frozenset({"BYTES", "BOOL"})


class Place(msgspec.Struct, frozen=True, eq=False):
    """Where in the message an input's numbers lie."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    start: int


class Pattern(msgspec.Struct, frozen=True, eq=False):
    """Messages of one length: `prefix` is what stands before the first raw tensor, `rest` the bytes between the others
    and behind, each with where it stands.
    """

    prefix: bytes
    rest: tuple[tuple[int, bytes], ...]
    places: tuple[Place, ...]

    def read(self, message: bytes) -> dict[str, Array] | None:
        """The tensors of a message as long as the first one, None when it says something else."""
        if not message.startswith(self.prefix):
            return None
        for start, between in self.rest:
            if not message.startswith(between, start):
                return None
        arrays = {}
        for place in self.places:
            array: Array = np.ndarray(place.shape, place.dtype, message, place.start)
            arrays[place.name] = array if array.flags.aligned else array.copy()
        return arrays


def learn(message: bytes, envelope: Envelope, head: Head) -> Pattern | None:
    """The pattern of a message whose raw tensors were read; None when it is none to recognise others by."""
    raws = envelope.raws
    if envelope.id or not raws or any(start == stop for start, stop in raws):
        return None
    if any(tensor.datatype in _NEVER for tensor in head.inputs):
        return None
    ends = [*(start for start, _ in raws[1:]), len(message)]
    rest = ((stop, message[stop:end]) for (_, stop), end in zip(raws, ends, strict=True))
    places = (
        Place(tensor.name, dtype_of(tensor.datatype), tensor.shape, start)
        for tensor, (start, _) in zip(head.inputs, raws, strict=True)
    )
    return Pattern(message[: raws[0][0]], tuple(each for each in rest if each[1]), tuple(places))

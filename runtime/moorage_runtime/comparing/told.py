"""What an answer holds, once it is read back from the bytes that a client would get."""

from __future__ import annotations

import msgspec

from moorage_runtime.tensors import Array


class Tensor(msgspec.Struct, frozen=True, eq=False):
    """One named part of an answer: `name` in the words of its door, `output` the model's output that it comes from.

    `datatype`: of V2. Where the door does not tell it, all whole numbers are INT64 and all others FP64.
    """

    name: str
    output: str
    datatype: str
    array: Array


class Naming(msgspec.Struct, frozen=True):
    """The model's outputs behind the words of doors that do not name them, where that is known.

    `only`: of a model with one output; `prediction` and `probabilities`: of the plain API.
    """

    only: str = ""
    prediction: str = ""
    probabilities: str = ""


class Unreadable(Exception):
    """These bytes are no answer of that door; the text says why, without a value of it."""

"""Nested JSON lists as one tensor."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from functools import cache
from typing import Any

import msgspec
import numpy as np

from moorage_runtime.codecs.features import compiled
from moorage_runtime.codecs.v1.refusals import invalid, malformed
from moorage_runtime.signature import plain
from moorage_runtime.tensors import Array, TensorSpec, dtype_of, fits

_WHITE = b" \t\r\n"
_OPENING = re.compile(rb"[ \t\r\n\[{\]]*").match
_BYTES = re.compile(rb"[ \t\r\n\[]*\{[ \t\r\n]*\"b64\"").match


class _Bytes(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    b64: str


def tensor(raw: msgspec.Raw, spec: TensorSpec, path: str, below: str = "") -> Array:
    """JSON lists, nested as the input's shape says, as its tensor; rows of one element may be that element.

    `below`: stands behind the first index in the path of what is wrong.
    """
    rank = len(spec.shape)
    flat = spec.shape[1:] == (1,) and opening(raw, 2)[1:] != b"["
    try:
        data = decoder(spec.datatype, rank - flat)(raw)
        array = np.array(_unpacked(data) if spec.datatype == "BYTES" else data, dtype_of(spec.datatype))
    except (msgspec.DecodeError, RecursionError) as error:
        raise malformed(error, path, below) from error
    except (binascii.Error, UnicodeDecodeError) as error:
        raise invalid(f"{path}{below}: base64 of UTF-8 text is needed") from error
    except OverflowError as error:
        raise invalid(f"{path}{below}: a number does not fit {spec.datatype}") from error
    except ValueError as error:
        raise invalid(f"{path}{below}: the rows differ in length") from error
    shape = (*array.shape, 1) if flat else array.shape
    if array.ndim != rank - flat or not fits(shape, spec):
        raise invalid(f"{path}{below}: {list(shape)} is sent, the model takes {list(spec.shape)}")
    return array.reshape(shape)


@cache
def decoder(datatype: str, depth: int) -> Any:
    """Reads JSON lists so deep."""
    return msgspec.json.Decoder(lists(datatype, depth)).decode


def lists(datatype: str, depth: int) -> Any:
    """The type of JSON lists so deep, of elements within the bounds of their datatype."""
    kind: Any = compiled.element(plain(TensorSpec("", datatype, ())))
    if datatype == "BYTES":
        kind = kind | _Bytes
    for _ in range(depth):
        kind = list[kind]
    return kind


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    return b64decode(value.b64, validate=True).decode() if isinstance(value, _Bytes) else value


def opening(raw: msgspec.Raw, count: int) -> bytes:
    """The first brackets, without the white space between them."""
    found = _OPENING(raw)
    return found.group().translate(None, _WHITE)[:count] if found else b""


def is_bytes(raw: msgspec.Raw) -> bool:
    """Whether the first object is `{"b64": ...}`."""
    return _BYTES(raw) is not None

"""What a comparison of two answers found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import msgspec

from moorage_runtime.comparing import difference
from moorage_runtime.comparing.doors import features, grpc, v1, v2
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.config import Compare
from moorage_runtime.routing.hooks import Reply

Read = Callable[[Reply, Naming], list[Tensor]]
READERS: Mapping[str, Read] = {"v2": v2.read, "v1": v1.read, "features": features.read, "grpc": grpc.read}
"""How an answer of each door is read."""


class Kind(Enum):
    """`INCOMPARABLE`: nothing can be said, and nothing is counted for or against a version."""

    SAME = "same"
    DIFFERS = "differs"
    INCOMPARABLE = "incomparable"


class Finding(msgspec.Struct, frozen=True):
    """`words`: what differs, or why nothing can be said; empty when all is the same."""

    kind: Kind
    words: str = ""


SAME = Finding(Kind.SAME)


def compare(door: str, other: Reply, own: Reply, rule: Compare, naming: Naming) -> Finding:
    """Compare another version's answer with the own model's to the same request. Never raises for what they hold."""
    for which, reply in (("the other", other), ("the stable", own)):
        if not 200 <= reply.status < 300:
            return Finding(Kind.INCOMPARABLE, f"{which} version answered {reply.status}")
    read = READERS[door]
    try:
        wanted = _wanted(read(own, naming), rule)
    except Unreadable as error:
        return Finding(Kind.INCOMPARABLE, f"the stable version's answer cannot be compared: {error}")
    if not wanted:
        return Finding(Kind.INCOMPARABLE, "none of the outputs that are to be compared was asked for")
    try:
        found = difference.between(_wanted(read(other, naming), rule), wanted, rule)
    except Unreadable as error:
        return Finding(Kind.DIFFERS, str(error))
    return SAME if found is None else Finding(Kind.DIFFERS, found)


def _wanted(tensors: list[Tensor], rule: Compare) -> list[Tensor]:
    """Those that count. Where only the order of scores does, the greatest score alone does not."""
    return [
        tensor
        for tensor in tensors
        if (not rule.outputs or tensor.output in rule.outputs)
        and not (rule.top_k is not None and tensor.name == features.CONFIDENCE)
    ]

"""Which custom resource an event is about."""

from __future__ import annotations

from moorage_operator import names
from moorage_operator.api.records import Body, Key
from moorage_operator.cluster.ownership import owner_of


def key_of(body: Body) -> Key | None:
    """The key behind an event's object: the custom resource itself, or the owner of the child; None for others'."""
    metadata = body.get("metadata") or {}
    namespace = metadata.get("namespace")
    if not namespace:
        return None
    if body.get("kind") == names.KIND:
        return Key(namespace, metadata["name"])
    owner = owner_of(body)
    return None if owner is None else Key(namespace, owner)

"""Whose object is it? The answer decides between repair and hands off."""

from __future__ import annotations

from moorage_operator import names
from moorage_operator.api.records import Body


def is_ours(body: Body, owner: str, uid: str) -> bool:
    """Whether the object belongs to the ModelDeployment `owner` with this `uid`.

    An ownerReference decides. Without any controller, an object that our own field manager wrote with our label is a
    child whose reference was removed by hand.
    """
    references = body["metadata"].get("ownerReferences") or ()
    if any(reference.get("uid") == uid for reference in references):
        return True
    if any(reference.get("controller") for reference in references):
        return False
    return _written_by_us(body) and _labelled_for(body, owner)


def left_behind(body: Body, owner: str, uid: str) -> bool:
    """Whether a ModelDeployment of the same name, since deleted, left the object to the garbage collector."""
    references = body["metadata"].get("ownerReferences") or ()
    return any(
        (each.get("controller"), each.get("kind"), each.get("name")) == (True, names.KIND, owner) and each["uid"] != uid
        for each in references
    )


def owner_of(body: Body) -> str | None:
    """The name of the ModelDeployment that this object belongs to: by label, else by its controller."""
    metadata = body.get("metadata") or {}
    label = (metadata.get("labels") or {}).get(names.OWNER_LABEL)
    if label:
        return str(label)
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("kind") == names.KIND and str(reference.get("apiVersion", "")).startswith(f"{names.GROUP}/"):
            return str(reference["name"])
    return None


def _written_by_us(body: Body) -> bool:
    return any(entry.get("manager") == names.CHILD_MANAGER for entry in body["metadata"].get("managedFields") or ())


def _labelled_for(body: Body, owner: str) -> bool:
    return (body["metadata"].get("labels") or {}).get(names.OWNER_LABEL) == owner

"""What a change of a resource means, in words: whether pods are replaced, and because of which fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.api.records import Resolved
from moorage_operator.commands.fields import FieldChange, field_changes
from moorage_operator.desired.revision import chosen, revision_hash


@dataclass(frozen=True, slots=True)
class Version:
    """A resource as it is, or shall be, and what its storageUri means then."""

    owner: ModelDeployment
    resolved: Resolved

    @property
    def revision(self) -> str:
        """The name of the revision that it means."""
        return revision_hash(self.owner.spec, self.resolved)


def renamed(old: Version | None, new: Version) -> tuple[str, str] | None:
    """Both revisions, when they differ."""
    return (old.revision, new.revision) if old is not None and old.revision != new.revision else None


def story(old: Version | None, new: Version) -> list[str]:
    """The lines."""
    if old is None:
        return [f"is new: revision {new.revision} serves version {new.resolved.version}"]
    if old.revision != new.revision:
        causes = list(_causes(old, new))
        lines = [f"a new revision {new.revision} takes over from {old.revision}, make before break, because of:"]
    else:
        causes = []
        lines = [f"the same revision {new.revision}: its pods stay"]
    told = {cause.path for cause in causes}
    rest = [each for each in _fields(old.owner.spec, new.owner.spec) if each.path not in told]
    lines += [f"  {cause}" for cause in causes]
    lines += ["without a new revision:", *(f"  {each}" for each in rest)] if rest else []
    return lines


def _causes(old: Version, new: Version) -> Iterator[FieldChange]:
    before, after = (_told(each) for each in (old, new))
    yield from field_changes(before.pop("meaning"), after.pop("meaning"), "model")
    yield from field_changes(before, after, "spec")


def _told(version: Version) -> dict[str, Any]:
    """What names a revision; what the registry said stands apart from what the spec says."""
    fields = chosen(version.owner.spec, version.resolved)
    return fields | {"meaning": {name: fields.pop(name) for name in ("version", "artifactUri")}}


def _fields(old: ModelDeploymentSpec, new: ModelDeploymentSpec) -> Iterator[FieldChange]:
    before, after = (
        spec.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True) for spec in (old, new)
    )
    yield from field_changes(before, after, "spec")

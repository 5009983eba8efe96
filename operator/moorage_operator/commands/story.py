"""What a change of a resource means, in words: whether pods are replaced, and because of which fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.api.records import Resolved
from moorage_operator.commands.fields import FieldChange, field_changes
from moorage_operator.desired.revision import CHOSEN, revision_hash

_SHAPING = frozenset(field.alias or name for name, field in ModelDeploymentSpec.model_fields.items() if name in CHOSEN)


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
    causes: list[str] = []
    rest: list[str] = []
    for change in _fields(old.owner.spec, new.owner.spec):
        (causes if _shapes_pods(change.path) else rest).append(f"  {change}")
    if old.revision == new.revision:
        lines = [f"the same revision {new.revision}: its pods stay"]
    else:
        meanings = [f"  {change}" for change in _meanings(old.resolved, new.resolved)]
        lines = [f"a new revision {new.revision} takes over from {old.revision}, make before break, because of:"]
        lines += [*meanings, *causes]
    return lines + (["without a new revision:", *rest] if rest else [])


def _fields(old: ModelDeploymentSpec, new: ModelDeploymentSpec) -> Iterator[FieldChange]:
    before, after = (spec.model_dump(mode="json", by_alias=True, exclude_none=True) for spec in (old, new))
    yield from field_changes(before, after, "spec")


def _meanings(old: Resolved, new: Resolved) -> Iterator[FieldChange]:
    before, after = ({"version": each.version, "artifactUri": each.artifact_uri} for each in (old, new))
    yield from field_changes(before, after, "the registry's answer")


def _shapes_pods(path: str) -> bool:
    field = path.removeprefix("spec.").partition(".")[0]
    return path != "spec.model.storageUri" and (field == "model" or field in _SHAPING)

"""What a change of a resource means, in words: whether pods are replaced, and because of which fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from moorage_operator.api.records import Resolved
from moorage_operator.commands.fields import FieldChange, field_changes
from moorage_operator.commands.visitors import Visitor
from moorage_operator.desired.revision import CHOSEN, revision_hash

_SHAPING = frozenset(field.alias or name for name, field in ModelDeploymentSpec.model_fields.items() if name in CHOSEN)


@dataclass(frozen=True, slots=True)
class Version:
    """A resource as it is, or shall be, and what its storageUri means then."""

    owner: ModelDeployment
    resolved: Resolved
    company: tuple[Visitor, ...] = ()

    @property
    def revision(self) -> str:
        """The name of the revision that it means."""
        return revision_hash(self.owner.spec, self.resolved)

    @property
    def roles(self) -> dict[str, str]:
        """What guests are called, by revision; one that serves as well is none of them."""
        told = {each.revision: each.called for each in reversed(self.company)}
        return {revision: called for revision, called in told.items() if revision != self.revision}


Renamed = tuple[tuple[str, str], ...]
"""Revisions with those that take their places, where they differ."""


def renamed(old: Version | None, new: Version) -> Renamed:
    """The revision that serves first, then those of the guests."""
    if old is None:
        return ()
    before = {called: revision for revision, called in old.roles.items()}
    pairs = [(old.revision, new.revision)]
    pairs += [(before[called], revision) for revision, called in new.roles.items() if called in before]
    return tuple((one, other) for one, other in pairs if one != other)


def story(old: Version | None, new: Version) -> list[str]:
    """The lines."""
    if old is None:
        first = f"is new: revision {new.revision} serves version {new.resolved.version}"
        return [first, *_company((), new.company)]
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
    lines += _company(old.company, new.company)
    return lines + (["without a new revision:", *rest] if rest else [])


def _company(old: Sequence[Visitor], new: Sequence[Visitor]) -> Iterator[str]:
    before, after = ({each.called: each for each in company} for company in (old, new))
    for called, each in after.items():
        was, version = before.get(called), each.resolved.version
        if was is None:
            yield f"{called} is new: revision {each.revision} stands beside it with version {version}"
        elif was.revision != each.revision:
            yield f"{called}: a new revision {each.revision} with version {version} takes over from {was.revision}"
    yield from (f"{called} goes, and its pods with it" for called in before if called not in after)


def _fields(old: ModelDeploymentSpec, new: ModelDeploymentSpec) -> Iterator[FieldChange]:
    before, after = (spec.model_dump(mode="json", by_alias=True, exclude_none=True) for spec in (old, new))
    yield from field_changes(before, after, "spec")


def _meanings(old: Resolved, new: Resolved) -> Iterator[FieldChange]:
    before, after = ({"version": each.version, "artifactUri": each.artifact_uri} for each in (old, new))
    yield from field_changes(before, after, "the registry's answer")


def _shapes_pods(path: str) -> bool:
    field = path.removeprefix("spec.").partition(".")[0]
    return path != "spec.model.storageUri" and (field == "model" or field in _SHAPING)

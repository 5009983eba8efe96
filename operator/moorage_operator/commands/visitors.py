"""The shadow and the arms of a resource, and what their storageUris mean when no registry is asked."""

from __future__ import annotations

from dataclasses import dataclass

from moorage_operator.api.guests import Guest, as_owner, guests
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Resolved
from moorage_operator.commands.meaning import Known, meaning
from moorage_operator.desired.revision import revision_hash
from moorage_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class Visitor:
    """One guest. `owner`: the resource as if the guest's model were its own. `guessed`: as of `Meaning`."""

    guest: Guest
    owner: ModelDeployment
    resolved: Resolved
    guessed: bool = False

    @property
    def revision(self) -> str:
        """The name of the revision that it means."""
        return revision_hash(self.owner.spec, self.resolved)

    @property
    def called(self) -> str:
        """As people call it."""
        return "the shadow" if self.guest.role == "shadow" else f"arm {self.guest.name}"


def visitors(
    owner: ModelDeployment, said: Known, settings: Settings | None = None, *, by_uri: bool = False
) -> tuple[Visitor, ...]:
    """All guests of a resource, as `meaning` knows them, and raises; the caller speaks of one as NAME/GUEST."""
    return tuple(_visitor(owner, each, said, settings, by_uri=by_uri) for each in guests(owner.spec))


def _visitor(owner: ModelDeployment, guest: Guest, said: Known, settings: Settings | None, *, by_uri: bool) -> Visitor:
    stand_in = as_owner(owner, guest)
    meant = meaning(stand_in, said, settings, by_uri=by_uri, guest=guest.name)
    return Visitor(guest, stand_in, meant.resolved, meant.guessed)

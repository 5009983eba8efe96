"""The children that can be worked with, and those that stand in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moorage_operator.api.model_deployment import Metadata
from moorage_operator.api.records import Body, ObjectRef, Snapshot
from moorage_operator.names import KIND, REVISION_LABEL, public_service
from moorage_operator.observed.pod import Pod


@dataclass(frozen=True, slots=True)
class World:
    """One snapshot, sorted.

    `children`: ours, to be kept or changed. `leftovers`: ours or a namesake's, but on their way out. `foreign`:
    somebody else's. `pods`: those that are not going away.
    """

    children: Mapping[ObjectRef, Body]
    leftovers: frozenset[ObjectRef]
    foreign: frozenset[ObjectRef]
    pods: tuple[Pod, ...]
    owner: str

    def child(self, kind: str, name: str) -> Body | None:
        """The child of that kind and name."""
        return self.children.get(ObjectRef(kind, name))

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of all children of that kind, sorted."""
        return tuple(sorted(ref.name for ref in self.children if ref.kind == kind))

    def pods_of(self, revision: str | None) -> tuple[Pod, ...]:
        """The pods of one revision that are not going away."""
        return tuple(pod for pod in self.pods if revision is not None and pod.revision == revision)

    @property
    def selected(self) -> str | None:
        """The revision that the public Service selects."""
        service = self.child("Service", public_service(self.owner)) or {}
        selector = (service.get("spec") or {}).get("selector") or {}
        return selector.get(REVISION_LABEL)


def sort(snapshot: Snapshot) -> World:
    """Tell what is ours from what is leaving and from what belongs to somebody else."""
    metadata = snapshot.deployment.metadata
    refs = snapshot.children
    leaving = frozenset(ref for ref, body in refs.items() if _leaving(body) or _of_a_namesake(body, metadata))
    others = frozenset(ref for ref, body in refs.items() if _of_another(body, metadata))
    foreign = snapshot.foreign | (others - leaving)
    pods = (Pod(body) for body in snapshot.pods)
    return World(
        children={ref: body for ref, body in refs.items() if ref not in leaving | foreign},
        leftovers=leaving,
        foreign=foreign,
        pods=tuple(sorted((pod for pod in pods if not pod.leaving), key=lambda pod: pod.name)),
        owner=metadata.name,
    )


def _leaving(body: Body) -> bool:
    return body["metadata"].get("deletionTimestamp") is not None


def _controllers(body: Body) -> list[Body]:
    return [each for each in body["metadata"].get("ownerReferences") or () if each.get("controller")]


def _of_a_namesake(body: Body, metadata: Metadata) -> bool:
    """A CR of this name was deleted and made anew: its children are still waiting for the garbage collector."""
    return any(
        each.get("kind") == KIND and each.get("name") == metadata.name and each.get("uid") != metadata.uid
        for each in _controllers(body)
    )


def _of_another(body: Body, metadata: Metadata) -> bool:
    return any(each.get("uid") != metadata.uid for each in _controllers(body))

"""The writes of one pass, in order: what is new comes first, what is old goes last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from moorage_operator.api.records import Body, Change, ObjectRef, Verb
from moorage_operator.names import (
    TOUCH_ANNOTATION,
    autoscaler,
    disruption_budget,
    public_service,
    revision_of,
)
from moorage_operator.observed.pod import Pod
from moorage_operator.observed.world import World
from moorage_operator.plan.difference import difference, hands_over

_OF_REVISIONS = ("Deployment", "Service", "ControllerRevision")


def changes(world: World, wished: Sequence[Body], generation: int, *, last: Collection[str] = ()) -> tuple[Change, ...]:
    """Everything that has to be written so that the world becomes as wished; nothing when it already is.

    `last`: names of children of which a refused one shall hold up nothing else.
    """
    blocked = world.leftovers | world.foreign
    applies = [change for body in wished if ref_of(body) not in blocked for change in _write(world, body)]
    ahead = [each for each in applies if each.ref.name not in last]
    behind = [each for each in applies if each.ref.name in last]
    deletes = _deletes(world, {ref_of(body) for body in wished})
    return (*ahead, *_touches(world.pods, generation), *deletes, *behind)


def ref_of(body: Body) -> ObjectRef:
    """Kind and name of an object."""
    return ObjectRef(body["kind"], body["metadata"]["name"])


def _write(world: World, body: Body) -> Iterator[Change]:
    ref = ref_of(body)
    live = world.children.get(ref)
    why = difference(live, body)
    if why is None:
        return
    if live is not None and hands_over(live, body):
        yield Change(Verb.HANDOVER, ref, _replicas_only(body, live), "handover")
    yield Change(Verb.APPLY, ref, body, why)


def _replicas_only(body: Body, live: Body) -> Body:
    """The number as it is now, for the manager that keeps it until the autoscaler writes its own."""
    identity = {key: body["metadata"][key] for key in ("name", "namespace")}
    spec = {"replicas": live["spec"].get("replicas", 1)}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": identity, "spec": spec}


def _touches(pods: Iterable[Pod], generation: int) -> Iterator[Change]:
    """A changed annotation makes the kubelet refresh the mounted route table at once instead of within a minute."""
    told = str(generation)
    for pod in pods:
        if generation and pod.running and pod.touched != told:
            body = {"metadata": {"annotations": {TOUCH_ANNOTATION: told}}}
            yield Change(Verb.TOUCH, ObjectRef("Pod", pod.name), body, "routes")


def _deletes(world: World, kept: set[ObjectRef]) -> Iterator[Change]:
    for ref in sorted(world.children.keys() - kept, key=lambda ref: (_delete_rank(ref), ref.name)):
        if why := _goes(world.owner, ref):
            yield Change(Verb.DELETE, ref, {}, why, uid=world.children[ref]["metadata"].get("uid"))


def _delete_rank(ref: ObjectRef) -> int:
    """A revision's Deployment goes before what describes it, so that a half-done delete is found again."""
    order = ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Service", "Deployment", "ControllerRevision")
    return order.index(ref.kind) if ref.kind in order else len(order)


def _goes(owner: str, ref: ObjectRef) -> str | None:
    """Why a child that nobody wishes for goes; None for the public Service and for names that are not ours."""
    if ref.kind in _OF_REVISIONS and ref.name != public_service(owner):
        return "retired" if revision_of(owner, ref.name) else None
    if ref.kind == "HorizontalPodAutoscaler" and revision_of(owner, ref.name):
        return "unused"
    if ref in (
        ObjectRef("HorizontalPodAutoscaler", autoscaler(owner)),
        ObjectRef("PodDisruptionBudget", disruption_budget(owner)),
    ):
        return "unused"
    return None

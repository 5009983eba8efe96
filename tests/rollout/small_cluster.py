"""A cluster in memory, small but honest about what the middle depends on.

Server-side apply with ownership (what a manager no longer applies goes away, what others wrote stays), defaults and
canonical quantities as the API server writes them, Deployments that make pods, pods that get ready after a while, and a
clock that only moves when told.
"""

from __future__ import annotations

import copy as copying
import json
import re
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moorage_operator.api.guests import Guest, guests
from moorage_operator.api.judgement import Check, Reading, Readings
from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import (
    Change,
    Decision,
    Defaults,
    Endpoint,
    Invited,
    Key,
    ObjectRef,
    Resolution,
    Resolved,
    Snapshot,
    Verb,
)
from moorage_operator.decide import decide
from moorage_operator.errors import Fault
from moorage_operator.names import (
    CHILD_MANAGER,
    HANDOVER_MANAGER,
    REVISION_LABEL,
    TOUCH_ANNOTATION,
    VERSION_ANNOTATION,
)
from moorage_operator.observed.watched import counted_marks, watched
from moorage_operator.recollection import Recollection
from moorage_runtime.config import LATENCY_BOUNDS, Answered, Forwarded, PodReport, RouteTable, decode_routes

Object = dict[str, Any]
KEY = Key("risk", "fraud")
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DEFAULTS = Defaults(
    image="localhost/moorage-runtime:dev",
    resources={"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
)
ENDPOINT = Endpoint(endpoint="http://s3.parts.svc", region="us-east-1", tracking_uri="http://mlflow.parts.svc")


def custom_resource(**spec: Any) -> Object:
    """A CR as the API server keeps it; `spec` fields in camelCase, `uri` for the model's storageUri."""
    uri = spec.pop("uri", "models:/fraud@champion")
    return {
        "apiVersion": "moorage.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "fraud", "namespace": "risk", "uid": "cr-1", "generation": 1},
        "spec": {"model": {"storageUri": uri}, **spec},
    }


@dataclass
class Fate:
    """What happens to the pods of one version: seconds until ready (None: never), and what their status tells.

    `errors`, `differs`: shares of the requests, as a candidate. `report`: what its download tells besides. `most`: of
    its pods come up.
    """

    seconds: float | None = 2.0
    digest: str = "sha256:" + "a" * 64
    status: Mapping[str, Any] | None = None
    errors: float = 0.0
    differs: float = 0.0
    report: Mapping[str, Any] = field(default_factory=dict)
    most: int | None = None


@dataclass
class SmallCluster:
    """The world around one CR. `fates` by version; a version without one is a good one. `mute`: versions whose pods are
    up and answer nothing. `silent`: the pods' admin port gives no answer, `mumbling`: that of these pods.
    `opinions`: of the judges beside the pods. `recollection`: what the operator's process remembers. `unknown`: the
    registry's no, by the storageUri of a guest.
    """

    owner: Object = field(default_factory=custom_resource)
    version: str | None = "1"
    fault: Fault | None = None
    fates: dict[str, Fate] = field(default_factory=dict)
    now: datetime = START
    objects: dict[ObjectRef, Object] = field(default_factory=dict)
    foreign: set[ObjectRef] = field(default_factory=set)
    pods: dict[str, Object] = field(default_factory=dict)
    writes: list[Change] = field(default_factory=list)
    defaults: Defaults = DEFAULTS
    retire_seconds: float = 30.0
    requests_per_second: float = 0.0
    mute: set[str] = field(default_factory=set)
    silent: bool = False
    mumbling: set[str] = field(default_factory=set)
    opinions: tuple[Check, ...] = ()
    unknown: dict[str, Fault] = field(default_factory=dict)
    recollection: Recollection = field(default_factory=Recollection)
    _applied: dict[tuple[ObjectRef, str], Object] = field(default_factory=dict)
    _counter: int = 0

    def pass_once(self, *, status: bool = True, limit: int | None = None) -> Decision:
        """One reconciliation; `limit` and `status` False cut it short, as a kill does."""
        decision = self.decide()
        for change in decision.changes[:limit]:
            self.write(change)
        if status and decision.status_changed:
            self.owner["status"] = copying.deepcopy(dict(decision.status))
        return decision

    def decide(self, *faults: Fault) -> Decision:
        """What the middle says to the world as it is."""
        snapshot = Snapshot(
            deployment=ModelDeployment.model_validate(self.owner),
            children=self.objects,
            foreign=frozenset(self.foreign),
            pods=tuple(self.pods.values()),
            now=self.now,
        )
        return decide(
            snapshot,
            self.resolution(),
            self.defaults,
            ENDPOINT,
            retire_seconds=self.retire_seconds,
            readings=self.readings(snapshot),
            invited=tuple(self._invited(guest) for guest in guests(snapshot.deployment.spec)),
            faults=faults,
        )

    def _invited(self, guest: Guest) -> Invited:
        """Whatever a guest's storageUri names after the last slash or @ is its version."""
        uri = guest.model.storage_uri
        if uri in self.unknown:
            return Invited(guest, Resolution(None, self.unknown[uri]), ENDPOINT)
        version = re.split("[/@]", uri)[-1]
        return Invited(guest, Resolution(Resolved(uri, version, f"mlflow-artifacts:/1/{version}")), ENDPOINT)

    def readings(self, snapshot: Snapshot) -> Readings:
        """What the operator reads of the pods in this pass."""
        if not watched(snapshot.deployment):
            self.recollection.forget(KEY)
            return Readings()
        told = tuple(self._reading(pod) for pod in self.pods.values() if pod["status"]["phase"] == "Running")
        mark = self.now.isoformat(timespec="microseconds")
        readings = Readings(mark=mark, now=told, before=self.recollection.before(KEY), opinions=self.opinions)
        self.recollection.note(KEY, readings, counted_marks(snapshot.deployment))
        return readings

    def _reading(self, pod: Object) -> Reading:
        name, revision = pod["metadata"]["name"], pod["metadata"]["labels"][REVISION_LABEL]
        report = None if self.silent or name in self.mumbling else pod_report(pod, revision)
        return Reading(name, name, revision, self.now, report)

    def resolution(self) -> Resolution:
        """What the registry says."""
        uri = self.owner["spec"]["model"]["storageUri"]
        if self.version is None:
            return Resolution(None, self.fault)
        artifact = uri if ":/" in uri and not uri.startswith("models:") else f"mlflow-artifacts:/1/{self.version}"
        return Resolution(Resolved(uri, self.version, artifact), self.fault)

    def run(self, seconds: float, *, tick: float = 0.5, watch: Callable[[SmallCluster], None] | None = None) -> None:
        """Reconcile while the time goes by, and let `watch` look after every pass."""
        for _ in range(int(seconds / tick)):
            self.pass_once()
            self.live()
            if watch is not None:
                watch(self)
            self.now += timedelta(seconds=tick)
            self.live()
            self.serve(self.requests_per_second * tick)

    def write(self, change: Change) -> None:
        """What the API server does with one change."""
        self.writes.append(change)
        if change.verb is Verb.TOUCH:
            _merge(self.pods[change.ref.name], change.body)
        elif change.verb is Verb.DELETE:
            assert self.objects[change.ref]["metadata"]["uid"] == change.uid
            self._forget(change.ref)
        else:
            self._apply(change.ref, change.body, CHILD_MANAGER if change.verb is Verb.APPLY else HANDOVER_MANAGER)

    def delete(self, kind: str, name: str) -> None:
        """Somebody deletes a child by hand."""
        self._forget(ObjectRef(kind, name))

    def child(self, kind: str, name: str) -> Object:
        """A live child, to look at or to edit by hand."""
        return self.objects[ObjectRef(kind, name)]

    def edit(self, **spec: Any) -> None:
        """The user edits the spec."""
        uri = spec.pop("uri", None)
        if uri is not None:
            self.owner["spec"]["model"]["storageUri"] = uri
        self.owner["spec"].update(spec)
        self.owner["metadata"]["generation"] += 1

    def scale(self, name: str, replicas: int) -> None:
        """An autoscaler scales a Deployment: the number becomes its own."""
        ref = ObjectRef("Deployment", name)
        self.objects[ref]["spec"]["replicas"] = replicas
        for manager in (CHILD_MANAGER, HANDOVER_MANAGER):
            self._applied.get((ref, manager), {}).get("spec", {}).pop("replicas", None)
        self._manage(ref)

    def wishes(self) -> dict[ObjectRef, Object]:
        """What the operator last applied of each child."""
        return {ref: body for (ref, manager), body in self._applied.items() if manager == CHILD_MANAGER}

    @property
    def status(self) -> Object:
        """The CR's status."""
        status: Object = self.owner.get("status") or {}
        return status

    def condition(self, kind: str) -> Object:
        """One condition of the CR."""
        found: Object = next(each for each in self.status["conditions"] if each["type"] == kind)
        return found

    def says(self, kind: str) -> tuple[str, str]:
        """Status and reason of one condition."""
        condition = self.condition(kind)
        return condition["status"], condition["reason"]

    def selected(self) -> str | None:
        """The version that the public Service selects, whether or not a pod answers."""
        service = self.objects.get(ObjectRef("Service", self.owner["metadata"]["name"]))
        revision = service["spec"]["selector"].get(REVISION_LABEL) if service else None
        deployment = self.objects.get(ObjectRef("Deployment", f"{self.owner['metadata']['name']}-{revision}"))
        return deployment["metadata"]["annotations"][VERSION_ANNOTATION] if deployment else None

    def answering(self) -> set[str]:
        """The versions that answer at the public Service right now."""
        service = self.objects.get(ObjectRef("Service", self.owner["metadata"]["name"]))
        if service is None:
            return set()
        selector = service["spec"]["selector"].items()
        chosen = (pod for pod in self.pods.values() if selector <= pod["metadata"]["labels"].items())
        return {pod["version"] for pod in chosen if _is_ready(pod)}

    def live(self) -> None:
        """The controllers and the kubelet do their part."""
        wanted = dict(self._wanted_pods())
        for name in [name for name in self.pods if name not in wanted]:
            del self.pods[name]
        for name, deployment in wanted.items():
            self.pods.setdefault(name, self._pod(name, deployment))
        for pod in self.pods.values():
            self._kubelet(pod)

    def serve(self, requests: float) -> None:
        """The pods that the Service selects answer so many requests, and send the candidate its share of them."""
        service = self.objects.get(ObjectRef("Service", self.owner["metadata"]["name"]))
        if service is None or not requests:
            return
        selector = service["spec"]["selector"].items()
        serving = [pod for pod in self.pods.values() if selector <= pod["metadata"]["labels"].items()]
        for pod in [pod for pod in serving if _is_ready(pod)]:
            self._split(pod, requests / len(serving))

    def _split(self, pod: Object, requests: float) -> None:
        """What a pod counts, by the table that it follows."""
        own, table = pod["metadata"]["labels"][REVISION_LABEL], pod.get("table")
        count(pod, "answered", "ok", requests)
        for revision, route in (table.revisions if table is not None else {}).items():
            fate = self.fates.get(route.version, Fate())
            if route.role == "shadow":
                copy(pod, revision, requests * table.shadow_percent / 100 if table is not None else 0.0, fate)
            if revision == own or route.role not in ("candidate", "arm") or not route.weight or not route.address:
                continue
            share = requests * route.weight / 100
            count(pod, "answered", "ok", -share)
            count(pod, revision, "failed", share * fate.errors)
            count(pod, revision, "ok", share * (1 - fate.errors))
            count(pod, revision, "differed", share * fate.differs)
            self._answer(revision, share, fate)

    def _answer(self, revision: str, requests: float, fate: Fate) -> None:
        pods = [pod for pod in self.pods.values() if pod["metadata"]["labels"][REVISION_LABEL] == revision]
        for pod in [pod for pod in pods if _is_ready(pod)]:
            count(pod, "answered", "ok", requests * (1 - fate.errors) / len(pods))
            count(pod, "answered", "failed", requests * fate.errors / len(pods))

    def _wanted_pods(self) -> Iterator[tuple[str, Object]]:
        for ref, body in self.objects.items():
            if ref.kind == "Deployment":
                fate = self.fates.get(body["metadata"]["annotations"].get(VERSION_ANNOTATION), Fate())
                for index in range(body["spec"].get("replicas", 1))[: fate.most]:
                    yield f"{ref.name}-{body['metadata']['uid']}-{index}", body

    def _pod(self, name: str, deployment: Object) -> Object:
        template = deployment["spec"]["template"]
        metadata = copying.deepcopy(dict(template["metadata"]))
        return {
            "metadata": {"annotations": {}, **metadata, "name": name},
            "version": deployment["metadata"]["annotations"][VERSION_ANNOTATION],
            "born": self.now,
            "status": {"phase": "Pending"},
        }

    def _kubelet(self, pod: Object) -> None:
        fate = self.fates.get(pod["version"], Fate())
        if fate.status is not None:
            pod["status"] = {"phase": "Running", **copying.deepcopy(dict(fate.status))}
        elif fate.seconds is not None and self.now - pod["born"] >= timedelta(seconds=fate.seconds):
            pod["status"] = ready_status(fate.digest, fate.report)
            if pod["version"] in self.mute:
                pod["status"]["conditions"][0]["status"] = "False"
        # The kubelet refreshes the mounted table when it sees another annotation.
        told = pod["metadata"]["annotations"].get(TOUCH_ANNOTATION)
        table = self._table()
        if pod["status"]["phase"] == "Running" and table is not None and told == str(table.generation):
            pod["table"] = table

    def _table(self) -> RouteTable | None:
        body = self.objects.get(ObjectRef("ConfigMap", f"{self.owner['metadata']['name']}-routes"))
        return decode_routes(body["data"]["routes.json"]) if body is not None else None

    def _apply(self, ref: ObjectRef, body: Mapping[str, Any], manager: str) -> None:
        assert ref not in self.foreign, f"{ref} belongs to somebody else"
        wished = copying.deepcopy(dict(body))
        live = self.objects.setdefault(ref, {"metadata": {"uid": self._uid()}})
        if manager == CHILD_MANAGER:
            others = [each for (owned, who), each in self._applied.items() if owned == ref and who != manager]
            _drop(live, self._applied.get((ref, manager), {}), [wished, *others])
        _merge(live, wished)
        self._applied[ref, manager] = wished
        _default(live)
        self._manage(ref)

    def _manage(self, ref: ObjectRef) -> None:
        """managedFields, as far as the middle reads them."""
        told = [
            {
                "manager": manager,
                "operation": "Apply",
                "fieldsV1": {"f:spec": {f"f:{key}": {} for key in body.get("spec") or {}}},
            }
            for (owned, manager), body in self._applied.items()
            if owned == ref
        ]
        self.objects[ref]["metadata"]["managedFields"] = told

    def _forget(self, ref: ObjectRef) -> None:
        del self.objects[ref]
        for key in [key for key in self._applied if key[0] == ref]:
            del self._applied[key]

    def _uid(self) -> str:
        self._counter += 1
        return f"u{self._counter}"


def count(pod: Object, side: str, what: str, amount: float) -> None:
    """Add to a counter of a pod, in parts of requests."""
    counted = pod.setdefault("counted", {}).setdefault(side, {})
    counted[what] = counted.get(what, 0.0) + amount


def copy(pod: Object, revision: str, copies: float, fate: Fate) -> None:
    """A shadow gets copies; each answer is compared."""
    count(pod, revision, "ok", copies)
    count(pod, revision, "copies", copies)
    count(pod, revision, "differed", copies * fate.differs)


def pod_report(pod: Object, revision: str) -> PodReport:
    """What the pod's admin port tells; every request takes 2 ms."""
    counted, table = pod.get("counted", {}), pod.get("table")
    own = {name: int(amount) for name, amount in counted.get("answered", {}).items()}
    return PodReport(
        started=f"{pod['metadata']['name']} {pod['born']}",
        revision=revision,
        ready=_is_ready(pod),
        generation=table.generation if table is not None else 0,
        answered=Answered(outcomes=own, seconds=_in_two_milliseconds(sum(own.values()))),
        forwarded={name: _forwarded(told) for name, told in counted.items() if name != "answered"},
    )


def _forwarded(told: Mapping[str, float]) -> Forwarded:
    outcomes = {name: int(told[name]) for name in ("ok", "failed") if told.get(name)}
    return Forwarded(
        outcomes=outcomes,
        shielded=outcomes.get("failed", 0),
        compared=outcomes.get("ok", 0),
        differed=int(told.get("differed", 0)),
        copies=int(told.get("copies", 0)),
        slower_seconds=0.001 * outcomes.get("ok", 0),
        samples=("label[0]: 1 instead of 0",) if told.get("differed") else (),
    )


def _in_two_milliseconds(requests: int) -> tuple[int, ...]:
    place = bisect_left(LATENCY_BOUNDS, 0.002)
    return tuple(requests if index == place else 0 for index in range(len(LATENCY_BOUNDS) + 1))


def ready_status(digest: str, more: Mapping[str, Any] | None = None) -> Object:
    """The status of a pod whose test inference gave the right answer."""
    report = json.dumps({"digest": digest, "bytes": 10, "files": 1, **(more or {})}, separators=(",", ":"))
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
        "initContainerStatuses": [
            {"name": "download", "state": {"terminated": {"exitCode": 0, "message": report, "reason": "Completed"}}}
        ],
        "containerStatuses": [{"name": "server", "ready": True, "started": True, "state": {"running": {}}}],
    }


def _is_ready(pod: Object) -> bool:
    return any((each["type"], each["status"]) == ("Ready", "True") for each in pod["status"].get("conditions") or ())


def _merge(live: Object, wished: Mapping[str, Any]) -> None:
    for key, value in wished.items():
        if isinstance(value, Mapping) and isinstance(live.get(key), dict):
            _merge(live[key], value)
        else:
            live[key] = copying.deepcopy(value)


def _drop(live: Object, before: Mapping[str, Any], now: list[Mapping[str, Any]]) -> None:
    """Remove what was applied before and is applied by nobody any more."""
    for key, value in before.items():
        holders = [each[key] for each in now if key in each]
        if not holders:
            live.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(live.get(key), dict):
            _drop(live[key], value, [each for each in holders if isinstance(each, Mapping)])


def _default(live: Object) -> None:
    """Some of what the API server fills in, and how it writes quantities."""
    if live.get("kind") == "Deployment":
        live["spec"].setdefault("replicas", 1)
        live["spec"].setdefault("minReadySeconds", 0)
        spec = live["spec"]["template"]["spec"]
        spec.update({"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"})
        for volume in spec["volumes"]:
            if volume.get("emptyDir", {}).get("sizeLimit") == str(10 * 2**30):
                volume["emptyDir"]["sizeLimit"] = "10Gi"
    if live.get("kind") == "Service":
        live["spec"].setdefault("clusterIP", _ip(live["metadata"]["name"]))
        live["spec"].setdefault("sessionAffinity", "None")


def _ip(name: str) -> str:
    """One address for each name, so that worlds can be compared."""
    number = zlib.crc32(name.encode())
    return f"10.96.{number // 256 % 256}.{number % 256}"

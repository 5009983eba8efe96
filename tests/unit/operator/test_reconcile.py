"""The recipe with a scripted middle and an API server in memory: what is read, written, told and asked again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from moorage_operator import names
from moorage_operator.api.judgement import Readings
from moorage_operator.api.records import (
    Change,
    Decision,
    Defaults,
    Endpoint,
    Key,
    ObjectRef,
    Resolution,
    Resolved,
    Snapshot,
    Verb,
)
from moorage_operator.cluster.server import ApiError
from moorage_operator.cluster.write import Writer
from moorage_operator.election import NotLeading
from moorage_operator.endpoints import Endpoints
from moorage_operator.errors import ApplyFault, Fault, RegistryFault
from moorage_operator.reconcile import Reconciler

KEY = Key("ns", "demo")
CR = "/apis/moorage.dev/v1alpha1/namespaces/ns/modeldeployments/demo"
CONFIG = "/api/v1/namespaces/ns/configmaps/demo-routes"
BODY: dict[str, Any] = {
    "metadata": {"name": "demo", "namespace": "ns", "uid": "u1", "resourceVersion": "5"},
    "spec": {"model": {"storageUri": "s3://b/1"}},
}
CHANGE = Change(Verb.APPLY, ObjectRef("ConfigMap", "demo-routes"), {"data": {}}, "missing")
STORE = Endpoint(endpoint="http://s3")


@dataclass
class Api:
    """Objects by path; every list is empty. `refusals`: what a write to a path meets."""

    objects: dict[str, Any] = field(default_factory=lambda: {CR: BODY})
    refusals: dict[str, ApiError] = field(default_factory=dict)
    writes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def call(self, verb: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Any:
        if verb == "GET" and query:
            return {"items": [], "metadata": {}}
        if verb == "GET":
            if path not in self.objects:
                raise ApiError(404, "NotFound", "not found")
            return self.objects[path]
        if path in self.refusals:
            raise self.refusals[path]
        self.writes.append((verb, path, body))
        return {}


@dataclass
class Registries:
    answer: Resolution
    forgotten: list[Key] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)

    @property
    def followed(self) -> Registries:
        return self

    def forget(self, key: Key) -> None:
        self.forgotten.append(key)

    def forget_guests(self, key: Key, *, but: Collection[str] = ()) -> None:
        self.guests = [*but]

    async def resolve(self, _: Any, guest: str = "") -> Resolution:
        if guest:
            self.guests.append(guest)
        return self.answer


@dataclass
class Surveyor:
    """Pods that always say the same."""

    answer: Readings = field(default_factory=lambda: Readings(mark="now"))
    asked: list[Key] = field(default_factory=list)
    forgotten: list[Key] = field(default_factory=list)

    async def survey(self, key: Key, _: Snapshot) -> Readings:
        self.asked.append(key)
        return self.answer

    def forget(self, key: Key) -> None:
        self.forgotten.append(key)


@dataclass
class Middle:
    """Stands in for `decide`: writes `changes` unless the object is there or foreign; tells `faults` in the status."""

    changes: tuple[Change, ...] = (CHANGE,)
    look_again: float | None = None
    asked: list[tuple[Snapshot, Endpoint, tuple[Fault, ...]]] = field(default_factory=list)
    read: list[Readings] = field(default_factory=list)

    def __call__(
        self, snapshot: Snapshot, resolution: Resolution, defaults: Defaults, endpoint: Endpoint, **options: Any
    ) -> Decision:
        self.asked.append((snapshot, endpoint, options["faults"]))
        self.read.append(options["readings"])
        known = snapshot.children.keys() | snapshot.foreign
        changes = tuple(change for change in self.changes if change.ref not in known)
        status = {"faults": [fault.reason for fault in options["faults"]]}
        return Decision(changes, status, status_changed=True, look_again=self.look_again)


@dataclass
class Bench:
    api: Api
    middle: Middle
    registries: Registries
    surveyor: Surveyor
    reconciler: Reconciler

    def written(self) -> list[str]:
        return [path for _, path, _ in self.api.writes]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    api, middle, surveyor = Api(), Middle(), Surveyor()
    registries = Registries(Resolution(Resolved("s3://b/1", "1", "s3://b/1")))
    monkeypatch.setattr("moorage_operator.reconcile.decide", middle)
    reconciler = Reconciler(
        api=api,  # type: ignore[arg-type]
        writer=Writer(api, lambda: 5.0),  # type: ignore[arg-type]
        registries=registries,  # type: ignore[arg-type]
        endpoints=Endpoints({"default": STORE}, {"default": Endpoint(tracking_uri="http://mlflow")}),
        defaults=Defaults(image="r"),
        surveyor=surveyor,  # type: ignore[arg-type]
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Bench(api, middle, registries, surveyor, reconciler)


async def test_changes_come_first_and_the_status_last(bench: Bench) -> None:
    bench.middle.look_again = 7
    assert await bench.reconciler.look(KEY) == 7
    assert bench.written() == [CONFIG, f"{CR}/status"]
    assert len(bench.middle.asked) == 1, "nothing stood under the name, so one decision is enough"


async def test_pods_are_asked_once_a_look_and_every_decision_hears_them(bench: Bench) -> None:
    bench.api.refusals[CONFIG] = ApiError(403, "Forbidden", "exceeded quota: q")
    with pytest.raises(ApplyFault):
        await bench.reconciler.look(KEY)
    assert bench.surveyor.asked == [KEY]
    assert bench.middle.read == [bench.surveyor.answer] * 2


async def test_the_status_is_for_the_version_that_was_seen(bench: Bench) -> None:
    await bench.reconciler.look(KEY)
    _, _, body = bench.api.writes[-1]
    assert body["metadata"]["resourceVersion"] == "5"


async def test_the_registry_is_asked_for_each_guest(bench: Bench) -> None:
    shadow = {"model": {"storageUri": "models:/fraud@challenger"}}
    arms = [{"name": "b", "model": {"storageUri": "models:/fraud@b"}, "percent": 50}]
    spec = {**BODY["spec"], "shadow": shadow, "abTest": {"header": "x", "arms": arms}}
    bench.api.objects[CR] = {**BODY, "spec": spec}
    await bench.reconciler.look(KEY)
    assert bench.registries.guests == ["shadow", "b"]


async def test_what_is_gone_is_forgotten_and_not_written(bench: Bench) -> None:
    bench.api.objects.clear()
    assert await bench.reconciler.look(KEY) is None
    assert bench.registries.forgotten == bench.surveyor.forgotten == [KEY]
    assert bench.api.writes == []


async def test_a_stranger_under_our_name_is_seen_before_the_write(bench: Bench) -> None:
    bench.api.objects[CONFIG] = {"kind": "ConfigMap", "metadata": {"name": "demo-routes"}}
    await bench.reconciler.look(KEY)
    assert bench.written() == [f"{CR}/status"]
    assert bench.middle.asked[-1][0].foreign == {CHANGE.ref}


async def test_a_child_without_its_label_is_seen_before_the_write(bench: Bench) -> None:
    owner = {"uid": "u1", "kind": names.KIND}
    metadata = {"name": "demo-routes", "ownerReferences": [owner]}
    bench.api.objects[CONFIG] = {"kind": "ConfigMap", "metadata": metadata}
    await bench.reconciler.look(KEY)
    assert CHANGE.ref in bench.middle.asked[-1][0].children


async def test_a_refusal_is_told_in_the_status_and_then_raised(bench: Bench) -> None:
    bench.api.refusals[CONFIG] = ApiError(403, "Forbidden", "exceeded quota: q")
    with pytest.raises(ApplyFault, match="QuotaExceeded"):
        await bench.reconciler.look(KEY)
    assert bench.written() == [f"{CR}/status"]
    assert bench.api.writes[-1][2]["status"] == {"faults": ["QuotaExceeded"]}


@pytest.mark.parametrize("code", [0, 409, 429, 500, 503])
async def test_trouble_that_passes_changes_no_status(bench: Bench, code: int) -> None:
    bench.api.refusals[CONFIG] = ApiError(code, "Trouble", "wait")
    with pytest.raises(ApiError):
        await bench.reconciler.look(KEY)
    assert bench.api.writes == []


async def test_without_the_lead_nothing_is_written(bench: Bench) -> None:
    def closed() -> float:
        raise NotLeading

    bench.reconciler.writer._gate = closed
    with pytest.raises(NotLeading):
        await bench.reconciler.look(KEY)
    assert bench.api.writes == []


@pytest.mark.parametrize(("look_again", "expected"), [(None, 10.0), (3.0, 3.0), (60.0, 10.0)])
async def test_a_registry_that_is_away_is_asked_again(bench: Bench, look_again: float | None, expected: float) -> None:
    bench.middle.look_again = look_again
    bench.registries.answer = Resolution(None, RegistryFault("RegistryTimeout", "no", outage=True))
    assert await bench.reconciler.look(KEY) == expected


@pytest.mark.parametrize(
    ("uri", "endpoint"),
    [
        ("s3://b/1", STORE),
        ("mlflow-artifacts:/1/m", Endpoint(tracking_uri="http://mlflow")),
        ("pvc://claim/x", Endpoint()),
    ],
)
async def test_the_settings_say_where_an_artifact_is_served(bench: Bench, uri: str, endpoint: Endpoint) -> None:
    bench.registries.answer = Resolution(Resolved("x", "1", uri))
    await bench.reconciler.look(KEY)
    assert bench.middle.asked[0][1] == endpoint

"""Resolution against a registry that really speaks HTTP: the routes of MLflow 3.17 and its real error bodies."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Key, Resolved
from moorage_operator.registry.resolve import Registries
from moorage_operator.registry.server import RegistrySource

ARTIFACT = "mlflow-artifacts:/1/models/m-{}/artifacts"


@dataclass
class FakeMLflow:
    """One registered model `fraud` with its versions, aliases and stages; `answer` overrides every route."""

    versions: dict[str, str] = field(default_factory=lambda: {"1": ARTIFACT.format(1), "2": ARTIFACT.format(2)})
    aliases: dict[str, str] = field(default_factory=lambda: {"champion": "1"})
    stages: dict[str, list[str]] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: dict[str, str] = field(default_factory=dict)
    answer: web.Response | None = None
    hang: float = 0.0
    url: str = ""

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._overrule])
        api = "/api/2.0/mlflow"
        app.add_routes(
            [
                web.get(f"{api}/registered-models/alias", self._alias),
                web.get(f"{api}/registered-models/get-latest-versions", self._latest),
                web.get(f"{api}/registered-models/get", self._model),
                web.get(f"{api}/model-versions/get", self._get),
                web.get(f"{api}/model-versions/get-download-uri", self._uri),
                web.get(f"{api}/logged-models/{{id}}", self._logged),
            ]
        )
        return app

    @web.middleware
    async def _overrule(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked[request.path.removeprefix("/api/2.0/mlflow/")] += 1
        self.headers = dict(request.headers)
        if self.hang:
            await asyncio.sleep(self.hang)
        if self.answer is not None:
            # A response can be sent only once.
            return web.Response(status=self.answer.status, body=self.answer.body, headers=self.answer.headers)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _alias(self, request: web.Request) -> web.Response:
        alias = request.query["alias"]
        if request.query["name"] != "fraud":
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=other not found")
        if alias not in self.aliases:
            return _refused(400, "INVALID_PARAMETER_VALUE", f"Registered model alias {alias} not found.")
        return web.json_response({"model_version": self._version(self.aliases[alias])})

    async def _model(self, request: web.Request) -> web.Response:
        if request.query["name"] != "fraud":
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=other not found")
        return web.json_response({"registered_model": {"name": "fraud"}})

    async def _latest(self, request: web.Request) -> web.Response:
        versions = [self._version(number) for number in self.stages.get(request.query["stages"], [])]
        return web.json_response({"model_versions": versions} if versions else {})

    async def _get(self, request: web.Request) -> web.Response:
        number = request.query["version"]
        if request.query["name"] != "fraud" or number not in self.versions:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", f"Model Version (name=..., version={number}) not found")
        return web.json_response({"model_version": self._version(number)})

    async def _uri(self, request: web.Request) -> web.Response:
        return web.json_response({"artifact_uri": self.versions[request.query["version"]]})

    async def _logged(self, request: web.Request) -> web.Response:
        return web.json_response({"model": {"info": {"artifact_uri": self.logged[request.match_info["id"]]}}})

    def _version(self, number: str) -> dict[str, Any]:
        return {"name": "fraud", "version": number, "source": f"models:/m-{number}", "creation_timestamp": 1}


def _refused(code: int, error_code: str, message: str) -> web.Response:
    return web.json_response({"error_code": error_code, "message": message}, status=code)


@pytest.fixture
async def mlflow() -> AsyncIterator[FakeMLflow]:
    fake = FakeMLflow()
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@dataclass
class Bench:
    registries: Registries
    moved: list[Key]


def bench(session: aiohttp.ClientSession, url: str, folder: Path = Path("/nowhere"), **options: Any) -> Bench:
    source = RegistrySource("default", url, folder, **options)
    moved: list[Key] = []
    return Bench(Registries({"default": source}, session, moved.append), moved)


def deployment(
    uri: str, name: str = "demo", last: dict[str, Any] | None = None, registry: str = "default"
) -> ModelDeployment:
    return ModelDeployment.model_validate(
        {
            "metadata": {"name": name, "namespace": "ns", "uid": "u"},
            "spec": {"model": {"storageUri": uri, "registry": registry}},
            "status": {"model": last} if last else {},
        }
    )


LAST = {"storageUri": "models:/fraud@champion", "version": "7", "artifactUri": "s3://b/7", "registry": "default"}


@pytest.mark.parametrize(
    ("uri", "version"),
    [("models:/fraud@champion", "1"), ("models:/fraud/2", "2"), ("models:/fraud/Production", "2")],
)
async def test_a_name_becomes_a_version_and_an_artifact(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, uri: str, version: str
) -> None:
    mlflow.stages = {"Production": ["1", "2"]}
    resolution = await bench(session, mlflow.url).registries.resolve(deployment(uri))
    assert resolution.fault is None
    assert resolution.resolved == Resolved(uri, version, ARTIFACT.format(version), "default")


async def test_a_logged_model_is_followed_to_its_artifact(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    mlflow.versions["1"], mlflow.logged["m-abc"] = "models:/m-abc", "s3://bucket/abc"
    resolution = await bench(session, mlflow.url).registries.resolve(deployment("models:/fraud/1"))
    assert resolution.resolved is not None
    assert resolution.resolved.artifact_uri == "s3://bucket/abc"


@pytest.mark.parametrize(
    ("uri", "version", "artifact"),
    [
        ("s3://models/fraud/3/", "3", "s3://models/fraud/3"),
        ("s3://models", "models", "s3://models"),
        ("pvc://claim/fraud/v1", "v1", "pvc://claim/fraud/v1"),
        ("pvc://claim", "claim", "pvc://claim"),
    ],
)
async def test_other_uris_stand_for_themselves(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, uri: str, version: str, artifact: str
) -> None:
    resolution = await bench(session, mlflow.url).registries.resolve(deployment(uri))
    assert resolution.resolved == Resolved(uri, version, artifact, "default")
    assert not mlflow.asked


async def test_an_unreadable_uri_is_a_fault_of_the_spec(session: aiohttp.ClientSession) -> None:
    resolution = await bench(session, "http://127.0.0.1:1").registries.resolve(deployment("http://evil"))
    assert resolution.resolved is None
    assert resolution.fault is not None
    assert resolution.fault.reason == "InvalidStorageUri"


@pytest.mark.parametrize(
    ("uri", "reason", "message"),
    [
        (
            "models:/other@champion",
            "ModelNotFound",
            "Registry 'default' has no model 'other'. Register it, or correct spec.model.storageUri.",
        ),
        (
            "models:/other/1",
            "ModelNotFound",
            "Registry 'default' has no model 'other'. Register it, or correct spec.model.storageUri.",
        ),
        (
            "models:/fraud@gone",
            "AliasNotFound",
            "Model 'fraud' has no alias 'gone' in registry 'default'. Set the alias in the registry, or correct "
            "spec.model.storageUri.",
        ),
        (
            "models:/fraud/9",
            "VersionNotFound",
            "Model 'fraud' has no version 9 in registry 'default'. Register it, or correct spec.model.storageUri.",
        ),
        (
            "models:/fraud/Staging",
            "StageEmpty",
            "Model 'fraud' has no version in stage Staging of registry 'default'. Move a version there, or name a "
            "version or an alias in spec.model.storageUri.",
        ),
    ],
)
async def test_what_is_not_there_has_a_name(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, uri: str, reason: str, message: str
) -> None:
    last = {**LAST, "storageUri": uri} if "@" in uri or "Staging" in uri else None
    resolution = await bench(session, mlflow.url).registries.resolve(deployment(uri, last=last))
    assert resolution.fault is not None
    assert (resolution.fault.reason, resolution.fault.message) == (reason, message)
    assert resolution.resolved is None, "the registry knows better than the memory"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(status=401, text="You are not authenticated."), "RegistryUnauthorized"),
        (web.json_response({"error_code": "PERMISSION_DENIED", "message": "no"}, status=403), "RegistryForbidden"),
        (
            web.Response(status=403, text="Invalid Host header - possible DNS rebinding attack"),
            "RegistryHostNotAllowed",
        ),
        (web.Response(status=429, text="slow down"), "RegistryError"),
        (web.Response(status=503, text="<html>"), "RegistryError"),
        (web.Response(status=200, text="<html>login</html>"), "RegistryError"),
        (web.Response(status=302, headers={"Location": "http://169.254.169.254/"}), "RegistryError"),
        (web.json_response({"error_code": "BAD", "message": "what?"}, status=400), "RegistryError"),
    ],
)
async def test_no_answer_has_a_name_and_keeps_the_last_good_one(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, answer: web.Response, reason: str
) -> None:
    mlflow.answer = answer
    resolution = await bench(session, mlflow.url).registries.resolve(
        deployment("models:/fraud/Staging", last={**LAST, "storageUri": "models:/fraud/Staging"})
    )
    assert resolution.fault is not None
    assert resolution.fault.reason == reason
    assert resolution.resolved is not None
    assert resolution.resolved.version == "7"


async def test_a_hanging_registry_times_out_with_a_name(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    mlflow.hang = 5.0
    made = bench(session, mlflow.url, timeout=0.05)
    resolution = await made.registries.resolve(deployment("models:/fraud@champion"))
    assert resolution.fault is not None
    assert resolution.fault.message == (
        f"Registry 'default' at {mlflow.url} gave no answer within 0.05 s. What serves goes on serving; check the "
        "server and the network towards it."
    )


async def test_while_a_registry_hangs_one_waits_for_it_and_the_others_go_on(
    mlflow: FakeMLflow, session: aiohttp.ClientSession
) -> None:
    mlflow.hang = 5.0
    made = bench(session, mlflow.url, timeout=0.3)
    await made.registries.resolve(deployment("models:/fraud/1", name="first"))
    asked = mlflow.asked.total()
    others = [deployment(f"models:/fraud/{number}", name=f"d{number}") for number in range(1, 9)]
    answers = await asyncio.gather(*(made.registries.resolve(each) for each in others))
    assert {answer.fault.reason for answer in answers if answer.fault} == {"RegistryTimeout"}
    assert mlflow.asked.total() == asked + 1
    mlflow.hang = 0.0
    answers = [await made.registries.resolve(each) for each in others[:2]]
    assert [answer.fault for answer in answers] == [None, None], "the first that succeeds opens the way for all"


async def test_polls_try_a_hanging_registry_for_every_name(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    mlflow.aliases["second"] = "2"
    made = bench(session, mlflow.url, timeout=0.2)
    for alias in ("champion", "second"):
        await made.registries.resolve(deployment(f"models:/fraud@{alias}", name=alias))
    mlflow.hang = 5.0
    await made.registries.followed.poll()
    mlflow.asked.clear()
    await made.registries.followed.poll()
    assert mlflow.asked["registered-models/alias"] == 2


async def test_a_refused_connection_is_unreachable(session: aiohttp.ClientSession) -> None:
    resolution = await bench(session, "http://127.0.0.1:1").registries.resolve(deployment("models:/fraud/1"))
    assert resolution.fault is not None
    assert resolution.fault.reason == "RegistryUnreachable"


async def test_tls_that_is_not_spoken_is_a_tls_failure(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    url = mlflow.url.replace("http://", "https://")
    resolution = await bench(session, url).registries.resolve(deployment("models:/fraud/1"))
    assert resolution.fault is not None
    assert resolution.fault.reason == "RegistryTLSFailure"


async def test_an_unknown_registry_lists_those_that_are_there(session: aiohttp.ClientSession) -> None:
    resolution = await bench(session, "http://x").registries.resolve(deployment("models:/fraud/1", registry="other"))
    assert resolution.fault is not None
    assert resolution.fault.reason == "RegistryUnknown"
    assert "'other' (there: default)" in resolution.fault.message


async def test_an_unknown_store_lists_those_that_are_there(session: aiohttp.ClientSession) -> None:
    registries = Registries({}, session, lambda _: None, stores=["lake"])
    refused = await registries.resolve(deployment("s3://models/fraud", registry="other"))
    assert refused.fault is not None
    assert refused.fault.reason == "RegistryUnknown"
    assert "name no store 'other' (there: default, lake)" in refused.fault.message
    for name in ("default", "lake"):
        found = await registries.resolve(deployment("s3://models/fraud", registry=name))
        assert found.fault is None


async def test_one_question_however_many_follow(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    made = bench(session, mlflow.url)
    followers = [deployment("models:/fraud@champion", name=f"d{number}") for number in range(50)]
    await asyncio.gather(*(made.registries.resolve(each) for each in followers))
    await made.registries.followed.poll()
    await asyncio.gather(*(made.registries.resolve(each) for each in followers))
    assert mlflow.asked == {"registered-models/alias": 2, "model-versions/get-download-uri": 1}
    assert made.moved == []


async def test_a_moved_alias_calls_every_follower_once(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    made = bench(session, mlflow.url)
    for name in ("a", "b"):
        await made.registries.resolve(deployment("models:/fraud@champion", name=name))
    mlflow.aliases["champion"] = "2"
    await made.registries.followed.poll()
    await made.registries.followed.poll()
    assert sorted(key.name for key in made.moved) == ["a", "b"]
    resolution = await made.registries.resolve(deployment("models:/fraud@champion", name="a"))
    assert resolution.resolved is not None
    assert resolution.resolved.version == "2"


async def test_a_version_that_was_made_anew_under_its_number_is_another(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(session, mlflow.url)
    await made.registries.resolve(deployment("models:/fraud@champion"))
    mlflow.versions["1"] = ARTIFACT.format("new")
    monkeypatch.setattr(
        mlflow, "_version", lambda number: {"version": number, "source": "models:/m-new", "creation_timestamp": 2}
    )
    await made.registries.followed.poll()
    resolution = await made.registries.resolve(deployment("models:/fraud@champion"))
    assert resolution.resolved is not None
    assert resolution.resolved.artifact_uri == ARTIFACT.format("new")


async def test_an_outage_keeps_the_answer_and_calls_the_followers_twice(
    mlflow: FakeMLflow, session: aiohttp.ClientSession
) -> None:
    made = bench(session, mlflow.url)
    follower = deployment("models:/fraud@champion")
    await made.registries.resolve(follower)
    mlflow.answer = web.Response(status=503)
    for _ in range(3):
        await made.registries.followed.poll()
    during = await made.registries.resolve(follower)
    assert during.fault is not None
    assert during.resolved is not None
    assert during.resolved.version == "1"
    mlflow.answer = None
    await made.registries.followed.poll()
    after = await made.registries.resolve(follower)
    assert after.fault is None
    assert len(made.moved) == 2, "once when it went away, once when it came back"


async def test_who_is_gone_is_asked_for_no_more(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    made = bench(session, mlflow.url)
    await made.registries.resolve(deployment("models:/fraud@champion"))
    made.registries.followed.forget(Key("ns", "demo"))
    before = mlflow.asked.total()
    await made.registries.followed.poll()
    assert mlflow.asked.total() == before


async def test_a_changed_uri_follows_the_new_name_only(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    made = bench(session, mlflow.url)
    await made.registries.resolve(deployment("models:/fraud@champion"))
    await made.registries.resolve(deployment("models:/fraud/2"))
    before = mlflow.asked["registered-models/alias"]
    await made.registries.followed.poll()
    assert mlflow.asked["registered-models/alias"] == before


async def test_a_pinned_version_is_asked_for_once(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    made = bench(session, mlflow.url)
    for _ in range(3):
        await made.registries.resolve(deployment("models:/fraud/1"))
    assert mlflow.asked["model-versions/get"] == 1


async def test_a_pinned_version_in_the_status_is_not_asked_for(session: aiohttp.ClientSession) -> None:
    last = {**LAST, "storageUri": "models:/fraud/7"}
    resolution = await bench(session, "http://127.0.0.1:1").registries.resolve(deployment("models:/fraud/7", last=last))
    assert resolution.fault is None
    assert resolution.resolved == Resolved("models:/fraud/7", "7", "s3://b/7", "default")


async def test_the_memory_of_another_registry_does_not_count(session: aiohttp.ClientSession) -> None:
    last = {**LAST, "storageUri": "models:/fraud/7", "registry": "other"}
    resolution = await bench(session, "http://127.0.0.1:1").registries.resolve(deployment("models:/fraud/7", last=last))
    assert resolution.resolved is None


async def test_credentials_are_read_anew_for_every_call(
    mlflow: FakeMLflow, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    made = bench(session, mlflow.url, tmp_path)
    await made.registries.resolve(deployment("models:/fraud@champion"))
    assert "Authorization" not in mlflow.headers
    (tmp_path / "username").write_text("me\n")
    (tmp_path / "password").write_text("secret\n")
    await made.registries.followed.poll()
    assert mlflow.headers["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
    (tmp_path / "token").write_text("t0ken")
    await made.registries.followed.poll()
    assert mlflow.headers["Authorization"] == "Bearer t0ken"


async def test_a_store_that_pods_cannot_read_is_refused(mlflow: FakeMLflow, session: aiohttp.ClientSession) -> None:
    mlflow.versions["1"] = "file:///mlruns/1"
    resolution = await bench(session, mlflow.url).registries.resolve(deployment("models:/fraud/1"))
    assert resolution.fault is not None
    assert resolution.fault.reason == "ArtifactSchemeUnsupported"


async def test_a_missing_ca_file_is_a_tls_failure(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    made = bench(session, "https://127.0.0.1:1", ca_file=tmp_path / "ca.crt")
    resolution = await made.registries.resolve(deployment("models:/fraud/1"))
    assert resolution.fault is not None
    assert resolution.fault.reason == "RegistryTLSFailure"

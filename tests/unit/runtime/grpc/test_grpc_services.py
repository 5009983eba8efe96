"""Beside inference: health, keys, reflection."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.port import SERVICE, infer, opened, question, refusal
from tests.unit.runtime.grpc.test_grpc_port import until

from moorage_runtime.servers.rest.auth import Keys

Code = grpc.StatusCode
Serving = health_pb2.HealthCheckResponse
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def check(channel: Any, service: str = "") -> Any:
    message = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    return channel.unary_unary("/grpc.health.v1.Health/Check")(message)


def watch(channel: Any, service: str = "") -> Any:
    message = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    return channel.unary_stream("/grpc.health.v1.Health/Watch", response_deserializer=Serving.FromString)(message)


async def test_health_is_serving_until_the_pod_drains() -> None:
    async with opened() as port, port.channel() as channel:
        for service in ("", "fraud", "inference.GRPCInferenceService"):
            assert Serving.FromString(await check(channel, service)).status == Serving.SERVING
        assert (await refusal(check(channel, "other"))).code() is Code.NOT_FOUND
        watched = watch(channel)
        assert (await watched.read()).status == Serving.SERVING
        port.catalogue.drain()
        assert Serving.FromString(await check(channel)).status == Serving.NOT_SERVING
        assert (await asyncio.wait_for(watched.read(), 5)).status == Serving.NOT_SERVING
        watched.cancel()


async def test_watching_a_service_that_is_not_known() -> None:
    async with opened() as port, port.channel() as channel:
        watched = watch(channel, "later")
        assert (await watched.read()).status == Serving.SERVICE_UNKNOWN
        watched.cancel()


async def test_readiness_and_metadata() -> None:
    async with opened() as port, port.channel() as channel:

        async def ask(name: str, kind: str, /, **values: Any) -> Any:
            message = messages.make(f"{name}Request", **values).SerializeToString()
            return messages.read(kind, await channel.unary_unary(SERVICE + name)(message))

        assert (await ask("ServerLive", "ServerLiveResponse")).live
        assert (await ask("ServerReady", "ServerReadyResponse")).ready
        assert (await ask("ModelReady", "ModelReadyResponse", name="fraud")).ready
        assert not (await ask("ModelReady", "ModelReadyResponse", name="fraud", version="9")).ready
        assert (await ask("ModelMetadata", "ModelMetadataResponse", name="fraud")).versions == ["3"]
        port.catalogue.drain()
        assert (await ask("ServerLive", "ServerLiveResponse")).live
        assert not (await ask("ServerReady", "ServerReadyResponse")).ready
        assert not (await ask("ModelReady", "ModelReadyResponse", name="fraud")).ready


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    (tmp_path / "first").write_text("secret\n")
    return Keys(tmp_path)


@pytest.mark.parametrize(
    "shown", [(), (("authorization", "Bearer wrong"),), (("x-api-key", "wrong"),), (("authorization", ""),)]
)
async def test_without_a_key_there_is_no_answer(keys: Keys, shown: Any) -> None:
    async with opened(keys=keys) as port, port.channel() as channel:
        error = await refusal(infer(channel, metadata=shown))
        assert (error.code(), "valid key" in error.details()) == (Code.UNAUTHENTICATED, True)
        for name in ("ServerMetadata", "ModelMetadata", "RepositoryIndex", "Unheard"):
            assert (await refusal(channel.unary_unary(SERVICE + name)(b"", metadata=shown))).code() in (
                Code.UNAUTHENTICATED,
                Code.UNIMPLEMENTED,
            )
        stream = channel.stream_stream(SERVICE + "ModelStreamInfer")(metadata=shown)
        assert await refusal(stream.read()) is not None
        assert await stream.code() is Code.UNAUTHENTICATED
        assert Serving.FromString(await check(channel)).status == Serving.SERVING
        for name, field in (("ServerLive", "live"), ("ServerReady", "ready")):
            told = await channel.unary_unary(SERVICE + name)(b"", metadata=shown)
            assert getattr(messages.read(f"{name}Response", told), field)
        assert port.engine.cancels == []


@pytest.mark.parametrize("shown", [("authorization", "Bearer secret"), ("x-api-key", "secret")])
async def test_a_key_lets_in_until_it_is_taken_away(keys: Keys, tmp_path: Path, shown: tuple[str, str]) -> None:
    async with opened(keys=keys) as port, port.channel() as channel:
        await infer(channel, metadata=(shown,))
        (tmp_path / "first").unlink()
        (tmp_path / "second").write_text("other")
        keys.poll()
        assert (await refusal(infer(channel, metadata=(shown,)))).code() is Code.UNAUTHENTICATED


async def listed(channel: Any, *metadata: tuple[str, str]) -> list[str]:
    message = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    call = channel.stream_stream(REFLECTION)(metadata=metadata)
    await call.write(message)
    await call.done_writing()
    told = reflection_pb2.ServerReflectionResponse.FromString(await call.read())
    return [each.name for each in told.list_services_response.service]


async def test_reflection_is_off_unless_asked_for() -> None:
    async with opened() as port, port.channel() as channel:
        call = channel.stream_stream(REFLECTION)()
        await refusal(call.read())
        assert await call.code() is Code.UNIMPLEMENTED


async def test_what_is_not_known_is_told_so() -> None:
    async with opened() as port, port.channel() as channel:
        error = await refusal(channel.unary_unary("/a.B/C")(question()))
        assert error.code() is Code.UNIMPLEMENTED


async def test_requests_are_awaited_by_the_drain() -> None:
    async with opened(0.01) as port, port.channel() as channel:
        asked = asyncio.ensure_future(infer(channel, question((0.3, 0))))
        await until(lambda: port.traffic.in_flight == 1)
        await asked
        assert port.traffic.in_flight == 0

"""Who answers which request: shares, keys, names, and tables that change."""

from __future__ import annotations

import asyncio
import json
import math
import time
from pathlib import Path

import pytest
from tests.unit.runtime.split.town import (
    INFER,
    SHIELD,
    House,
    Town,
    answering,
    body,
    pipelined,
    plain,
    request,
    reset,
    served,
    split,
)

from moorage_runtime.config import Route
from moorage_runtime.routing.buckets import bucket

COUNT = 20_000
KEYS = 2_000


@pytest.mark.parametrize("weight", [1, 5, 50])
async def test_a_share_is_exact(town: Town, weight: int) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, weight)
    seen = await pipelined(stable, COUNT)
    assert set(seen) == {(200, "abc"), (200, "def")}
    share = weight / 100
    assert abs(seen[200, "def"] - COUNT * share) <= 4 * math.sqrt(COUNT * share * (1 - share))
    assert stable.report.forwarded["def"].outcomes == {"ok": seen[200, "def"]}
    assert stable.report.answered.outcomes == {"ok": seen[200, "abc"]}
    assert candidate.report.answered.outcomes == {"ok": seen[200, "def"]}


async def test_a_key_stays_on_its_side_and_never_goes_back_while_a_ramp_grows(town: Town) -> None:
    stable, candidate = await town.pair()
    client, sides = stable.client(), set[str]()
    for weight in (5, 25, 60):
        split(stable, candidate.address, weight, salt="s", key_header="X-User")
        found = {}
        for key in map(str, range(KEYS)):
            revisions = {(await client.ask(x_user=key)).revision for _ in range(2)}
            assert len(revisions) == 1
            found[key] = revisions.pop()
        moved = {key for key, revision in found.items() if revision == "def"}
        assert sides <= moved
        assert moved == {key for key in found if bucket("s", key.encode()) < 100 * weight}
        assert abs(len(moved) - KEYS * weight / 100) <= 4 * math.sqrt(KEYS * weight / 100)
        sides = moved
    # Who has no key is drawn.
    seen = await stable.flood(1000)
    assert abs(seen[200, "def"] - 600) < 60


async def test_a_key_that_proxies_add_is_read_though_heads_are_remembered(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 50, salt="s", key_header="x-real-ip")
    client = stable.client()
    for key in map(str, range(50)):
        told = await client.ask(x_real_ip=key)
        assert told.revision == ("def" if bucket("s", key.encode()) < 5000 else "abc")


async def test_a_client_may_name_who_answers(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 0)
    client = stable.client()
    for name, revision in {
        "3": "abc",
        "4": "def",
        "abc": "abc",
        "def": "def",
        "stable": "abc",
        "candidate": "def",
    }.items():
        assert (await client.ask(x_model_version=name)).revision == revision, name
    told = await client.ask(x_model_version="5")
    assert told.status == 404
    assert json.loads(told.body)["error"] == "x-model-version: this model has 3, stable, abc, 4, candidate, def"
    # Who was named is not judged by it: who asks is not one of many.
    assert stable.report.forwarded["def"].outcomes == {}
    assert stable.station.plane.tallies.by_revision["def"].picked == 3


async def test_a_path_may_name_the_version(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 0)
    client = stable.client()
    rows = json.dumps({"instances": [[1.0, 2.0]]}).encode()
    for version, revision in (("3", "abc"), ("4", "def")):
        path = f"/v2/models/fraud/versions/{version}"
        assert (await client.ask(f"{path}/infer")).revision == revision
        assert (await client.ask(f"/v1/models/fraud/versions/{version}:predict", rows)).revision == revision
        told = await client.ask(path, method="GET")
        assert told.revision == revision
        assert json.loads(told.body)["versions"] == [version]
        assert (await client.ask(path, method="HEAD")).headers["content-length"] == str(len(told.body))
    assert (await client.ask("/v2/models/fraud/versions/5/infer")).status == 404
    assert (await client.ask("/v2/models/other/versions/4/infer")).status == 404


async def test_every_door_shares(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 100)
    client = stable.client()
    plainly = json.dumps({"features": {"f0": 1.0, "f1": 2.0}}).encode()
    asked = [
        (INFER, body(), {}),
        ("/v1/models/fraud:predict", json.dumps({"instances": [[1.0, 2.0]]}).encode(), {}),
        ("/v1/predict", plainly, {}),
        (INFER, *binary()),
    ]
    for path, data, headers in asked:
        theirs = await client.ask(path, data, **headers)
        ours = await client.ask(path, data, x_model_version="stable", **headers)
        assert (theirs.status, theirs.revision, ours.revision) == (ours.status, "def", "abc"), theirs.body
        assert theirs.headers.get("inference-header-content-length") == ours.headers.get(
            "inference-header-content-length"
        )
        if path == INFER and not headers:
            assert theirs.outputs == ours.outputs


def binary() -> tuple[bytes, dict[str, str]]:
    raw = b"\0\0\x80?\0\0\0@"
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + raw, {"inference_header_content_length": str(len(head))}


async def test_what_was_passed_on_once_is_answered_where_it_is(town: Town) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 100)
    assert (await stable.client().ask(x_moorage_hop="1")).revision == "abc"


async def test_what_a_client_sent_goes_on_with_what_is_left_of_its_time(town: Town) -> None:
    stable = await town.open()
    seen: list[tuple[str, dict[str, str], bytes]] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await request(reader))
            writer.write(plain(200))

    async with served(note) as address:
        split(stable, address, 100)
        told = await stable.client().ask(
            INFER + "?a=b",
            x_request_id="mine",
            x_request_timeout="2s",
            traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
            authorization="Bearer k",
            cookie="secret",
        )
    line, headers, content = seen[0]
    assert line == f"POST {INFER}?a=b HTTP/1.1"
    assert headers["x-moorage-hop"] == "1"
    assert headers["x-request-id"] == told.headers["x-request-id"] == "mine"
    assert 1.5 < float(headers["x-request-timeout"]) <= 2
    assert headers["traceparent"].startswith("00-1111")
    assert headers["authorization"] == "Bearer k"
    assert "cookie" not in headers
    assert content == body()
    # One that does not say who it is is said to be who the table says.
    assert (told.headers["x-model-version"], told.revision) == ("4", "def")


@pytest.mark.parametrize(
    "text",
    [
        "{half",
        '{"generation":1,"revisions":{}}',
        '{"generation":9,"revisions":{"abc":{"version":"3","role":"king"}}}',
        '{"generation":9,"revisions":{"def":{"version":"4","role":"candidate","weight":5}}}',
        '{"generation":9,"revisions":{"def":{"version":"4","role":"candidate","weight":5,"address":"nowhere"}}}',
        '{"generation":9,"revisions":{},"keyHeader":"no header"}',
    ],
)
async def test_a_table_that_cannot_be_meant_changes_nothing(town: Town, text: str) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 100, generation=5)
    stable.write(text)
    assert stable.report.generation == 5
    assert stable.report.refused
    assert (await stable.client().ask()).revision == "def"
    split(stable, candidate.address, 0, generation=6)
    assert stable.report.refused is None
    assert (await stable.client().ask()).revision == "abc"
    stable.places.routes_file.unlink()
    stable.station.plane.routes.poll()
    assert stable.report.generation == 6


async def test_no_request_is_lost_while_tables_change(town: Town) -> None:
    stable, candidate = await town.pair()
    running = asyncio.create_task(stable.flood(2000, 16))
    weight = 0
    while not running.done():
        weight = (weight + 35) % 105
        split(stable, candidate.address, weight)
        await asyncio.sleep(0.01)
    seen = await running
    assert set(seen) == {(200, "abc"), (200, "def")}
    assert stable.generation > 10
    split(stable, candidate.address, 0)
    assert set(await stable.flood(50)) == {(200, "abc")}


async def test_a_revision_that_retires_gives_all_to_its_heir_and_answers_when_that_does_not(town: Town) -> None:
    old, new = await town.pair()
    revisions = {
        "abc": Route(version="3", role="retiring"),
        "def": Route(version="4", role="stable", weight=100, address=new.address),
    }
    old.follow(revisions)
    told = await old.client().ask()
    assert (told.status, told.revision, told.headers["connection"]) == (200, "def", "close")
    # What the heir says of a request is what there is to say.
    assert (await old.client().ask(data=b"{}")).revision == "def"
    async with served(answering(plain(503))) as address:
        old.follow(revisions | {"def": Route(version="4", role="stable", weight=100, address=address)})
        seen = await old.flood(50)
    assert seen == {(200, "abc"): 50}


async def test_connections_are_kept(town: Town) -> None:
    stable = await town.open()
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(plain(200))(reader, writer)

    async with served(count) as address:
        split(stable, address, 100)
        await stable.knows_all()
        assert await stable.flood(200, 4) == {(200, "def"): 200}
    assert connections <= 1 + 4


async def test_a_connection_that_ended_while_it_was_kept_costs_no_request(town: Town) -> None:
    stable = await town.open()

    async def once_and_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(plain(200))
        # The next request finds the connection open, and is never read.
        await reader.readexactly(1)
        reset(writer)

    async with served(once_and_gone) as address:
        split(stable, address, 100)
        seen = await stable.flood(100, 4)
    assert seen == {(200, "def"): 100}
    assert stable.outcomes == {"ok": 100}


async def test_the_end_of_a_pod_waits_for_what_others_answer(town: Town) -> None:
    stable = await town.open(drain_seconds=5.0)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await asyncio.sleep(0.5)
        writer.write(plain(200))

    async with served(slow) as address:
        split(stable, address, 100)
        asking = asyncio.create_task(stable.client().ask())
        await asyncio.sleep(0.1)
        await stable.station.drain()
        assert (await asking).revision == "def"


def arms(house: House, one: str, two: str) -> dict[str, Route]:
    return {
        "abc": Route(version="3", role="stable", weight=50, address=house.address),
        "ghi": Route(version="5", role="arm", arm="b", weight=20, address=two),
        "def": Route(version="4", role="arm", arm="a", weight=30, address=one),
    }


async def test_arms_share_by_key_in_the_order_of_their_names(town: Town) -> None:
    stable, first = await town.pair()
    second = await town.open(revision="ghi", version="5")
    stable.follow(arms(stable, first.address, second.address), salt="exp", key_header="x-user")
    client = stable.client()
    for key in map(str, range(200)):
        place = bucket("exp", key.encode())
        expected = "def" if place < 3000 else "ghi" if place < 5000 else "abc"
        assert (await client.ask(x_user=key)).revision == expected
    assert (await client.ask(x_model_version="b")).revision == "ghi"


async def test_the_place_of_an_arm_that_does_not_answer_is_kept_and_answered_here(town: Town) -> None:
    stable, first = await town.pair()
    second = await town.open(revision="ghi", version="5")
    told = arms(stable, first.address, second.address)
    silent = Route(version="", role="arm", arm="a", weight=30)
    stable.follow(
        {"abc": told["abc"], "ghi": told["ghi"], "arm-a": silent}, salt="exp", key_header="x-user", shield=SHIELD
    )
    assert stable.report.refused is None
    client = stable.client()
    for key in map(str, range(200)):
        expected = "ghi" if 3000 <= bucket("exp", key.encode()) < 5000 else "abc"
        assert (await client.ask(x_user=key)).revision == expected
    assert (await client.ask(x_model_version="a")).status == 404


@pytest.mark.parametrize("role", ["retiring", "candidate"])
async def test_arms_are_reached_through_every_pod_that_clients_still_meet(town: Town, role: str) -> None:
    old, new = await town.pair()
    arm = await town.open(revision="ghi", version="5")
    table = {
        "abc": Route(version="3", role=role, address=None if role == "retiring" else old.address),
        "def": Route(version="4", role="stable", weight=50, address=new.address),
        "ghi": Route(version="5", role="arm", arm="b", weight=50, address=arm.address),
    }
    old.follow(table, salt="exp", key_header="x-user", shield=SHIELD)
    rest = "def" if role == "retiring" else "abc"
    for key in map(str, range(100)):
        told = await old.client().ask(x_user=key)
        assert (told.status, told.revision) == (200, "ghi" if bucket("exp", key.encode()) < 5000 else rest)


async def test_a_table_is_followed_within_a_second(town: Town, tmp_path: Path) -> None:
    stable, candidate = await town.pair()
    split(stable, candidate.address, 100)
    client = stable.client()
    assert (await client.ask()).revision == "def"
    draft = stable.places.routes_file.with_name("draft")
    text = (
        stable.places.routes_file.read_text()
        .replace('"weight":100', '"weight":0')
        .replace('"generation":1', '"generation":2')
    )
    draft.write_text(text)
    draft.replace(stable.places.routes_file)
    began = time.monotonic()
    while (await client.ask()).revision == "def":
        assert time.monotonic() - began < 1
    assert stable.report.generation == 2


async def test_the_access_log_says_who_answered(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    stable = await town.open(access_log_percent=100.0)
    client = stable.client()
    async with served(answering(plain(200))) as address:
        split(stable, address, 100)
        await client.ask(x_request_id="passed-on")
    # The candidate is gone now.
    await client.ask(x_request_id="shielded")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {line["requestId"]: (line["version"], line["door"], line["path"]) for line in lines}
    path = "/v2/models/{model}/infer"
    assert told == {"passed-on": ("4", "v2", path), "shielded": ("3", "v2", path)}

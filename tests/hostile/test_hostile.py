"""Everything bad at every door of one server, in one go: it stays, answers rightly, and nobody else is hurt."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.hostile.attack import DOORS, KINDS
from tests.hostile.bystander import percentile
from tests.hostile.server import Server
from tests.hostile.siege import ATTACKS, Found, besiege

REFUSAL = re.compile(r'moorage_refusals_total\{status="[45][0-9][0-9]",reason="[A-Z][A-Za-z]{1,40}"\}')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("hostile"))
    try:
        made.wait()
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def found(server: Server) -> Found:
    return besiege(server)


def test_there_are_enough_attacks_of_each_kind_at_each_door() -> None:
    assert len(ATTACKS) >= 450
    assert {each.kind for each in ATTACKS} == set(KINDS)
    assert {each.door for each in ATTACKS} == set(DOORS)
    names = Counter((each.door, each.kind, each.name) for each in ATTACKS)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_attack_ends_as_it_should(found: Found, kind: str) -> None:
    wrong = [
        f"{each.door}: {each.name}: {end}, not {' or '.join(each.ends)}"
        for each, end in found.ends.items()
        if each.kind == kind and end not in each.ends
    ]
    assert wrong == []


def test_the_server_is_the_same_as_before(found: Found, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(found.table())  # noqa: T201
    assert len(found.ends) == len(ATTACKS)
    assert server.process.poll() is None
    assert found.memory[1] <= found.memory[0] * 1.1
    assert found.files[1] <= found.files[0] + 2


def test_the_metrics_have_no_series_that_a_client_chose(found: Found) -> None:
    before, after = found.series
    refusals = {each for each in after if each.startswith("moorage_refusals_total{")}
    assert after - before <= refusals
    assert all(map(REFUSAL.fullmatch, refusals))
    assert len(refusals) <= 40
    of_one = Counter(each.partition('model="')[2].partition('"')[0] for each in after)
    assert max(of_one.values()) <= 200
    assert not any("name-" in each or "forged" in each for each in after)


def test_nothing_failed_inside(found: Found, server: Server) -> None:
    failed = [name for name, value in server.series().items() if 'outcome="failed"' in name and value]
    assert failed == []
    log = server.log()
    assert "Traceback" not in log
    assert "internal" not in log.lower()


def test_the_access_log_is_a_line_of_json_a_request(found: Found, server: Server) -> None:
    lines = server.log().splitlines()
    entries = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(entries) > len(ATTACKS)
    assert {entry["event"] for entry in entries} == {"request"}
    assert not any(entry["path"] == "/forged" for entry in entries)
    assert len([line for line in lines if not line.startswith("{")]) < 50


def test_a_client_that_behaves_is_answered_all_the_while(found: Found) -> None:
    """Loose, for the machine has other work: the ratio that counts is printed."""
    for waited in found.beside.values():
        assert len(waited) > 200
        assert percentile(waited, 0.99) < 1000

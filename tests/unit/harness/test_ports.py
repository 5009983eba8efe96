"""No two servers of tests are given one port, and none is given one that a connection may take in between."""

from __future__ import annotations

import socket
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from tests.ports import FIRST, LAST, free_ports

LINUX_GIVES_FROM = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def test_processes_at_once_are_given_different_ports(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as processes:
        given = list(processes.map(partial(free_ports, ledger=tmp_path / "ledger"), [3] * 40))
    assert all(before + 3 <= after for before, after in pairwise(sorted(given)))


def test_a_port_is_none_that_linux_gives_to_connections() -> None:
    assert LAST < LINUX_GIVES_FROM


def test_a_port_on_which_somebody_listens_is_passed_over(tmp_path: Path) -> None:
    first = free_ports(4)
    ledger = tmp_path / "ledger"
    ledger.write_text(str(first - 1))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first + 1))
        assert free_ports(2, ledger) == first + 2


@pytest.mark.parametrize("wanted", [1, 3])
def test_after_the_last_comes_the_first(tmp_path: Path, wanted: int) -> None:
    ledger = tmp_path / "ledger"
    ledger.write_text(str(LAST - wanted + 1))
    assert FIRST <= free_ports(wanted, ledger) < FIRST + 1000

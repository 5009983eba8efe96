"""Each thing that a machine lacks is one sentence, said before anything starts."""

from dataclasses import replace

import pytest
from e2e.cluster.preflight import COLD_GIB, WARM_GIB, Machine, problems, problems_of_ending

FIT = Machine(
    system="Linux",
    machine="x86_64",
    root=True,
    release="bookworm",
    apt=True,
    tools_missing=True,
    go=(1, 26, 4),
    go_needed=True,
    free_gib=50.0,
    memory_gib=16.0,
    cache="/cache",
    running=False,
)


def test_a_fit_machine_lacks_nothing() -> None:
    assert problems(FIT) == []


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        (
            replace(FIT, root=False),
            "Without Docker the local cluster needs root: run the command with sudo, or start a Docker engine.",
        ),
        (
            replace(FIT, machine="aarch64"),
            "Without Docker the local cluster needs an x86_64 machine; this one is aarch64.",
        ),
        (
            replace(FIT, release="jammy"),
            "Without Docker the local cluster needs Debian 12 (bookworm); this is jammy: start a Docker engine.",
        ),
        (
            replace(FIT, apt=False),
            "apt-get is not to be found, and tools of the local cluster are still to be installed with it.",
        ),
        (
            replace(FIT, go=None),
            "Go is not to be found: install Go 1.26.4 or newer and put it on PATH, Kubernetes is built with it.",
        ),
        (
            replace(FIT, go=(1, 25, 9)),
            "Go 1.25.9 is too old to build Kubernetes: install Go 1.26.4 or newer.",
        ),
        (
            replace(FIT, free_gib=COLD_GIB - 0.1),
            "11.9 GiB are free under /cache and 12 GiB are needed: "
            "make room, or let MOORAGE_CACHE name a folder with more.",
        ),
        (replace(FIT, memory_gib=2.0), "2.0 GiB of memory are available and 5 GiB are needed."),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(machine: Machine, sentence: str) -> None:
    assert problems(machine) == [sentence]


def test_another_system_is_told_only_that() -> None:
    found = problems(replace(FIT, system="Darwin", machine="arm64", root=False, release="", go=None))

    assert found == ["The local cluster needs Linux, or a running Docker engine; this is Darwin."]


def test_a_warm_cache_needs_neither_go_nor_much_room() -> None:
    assert problems(replace(FIT, go=None, go_needed=False, free_gib=float(WARM_GIB))) == []


def test_installed_tools_need_no_apt() -> None:
    assert problems(replace(FIT, apt=False, tools_missing=False)) == []


def test_a_running_node_has_its_room_already() -> None:
    assert problems(replace(FIT, running=True, memory_gib=1.0, free_gib=1.0)) == []
    assert problems(replace(FIT, running=True, root=False)) != []


def test_ending_a_node_needs_root_and_nothing_else() -> None:
    assert problems_of_ending(root=True) == []
    assert problems_of_ending(root=False) == ["The node belongs to root: run the command with sudo."]

"""The machine's apt sources are read in both formats, and only Debian's own are turned to another release."""

import pytest
from e2e.cluster.failure import ClusterFailure
from e2e.cluster.sources import Source, for_release, parse, text

STANZAS = """# a comment
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
# in the middle
URIs: http://other.example/tools
Suites: cloud-bookworm
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""

LINES = """
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # why not
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/security bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb http://other.example/nodistro nodistro main
"""


def test_stanzas_become_one_source_for_each_suite() -> None:
    found = parse(STANZAS)

    key = "/usr/share/keyrings/debian.gpg"
    assert found == [
        Source("http://mirror.example/debian", "bookworm", "main contrib", key),
        Source("http://mirror.example/debian", "bookworm-updates", "main contrib", key),
        Source("http://other.example/tools", "cloud-bookworm", "main"),
    ]


def test_lines_are_read_with_their_key_and_without_comments() -> None:
    found = parse(LINES)

    assert found == [
        Source("http://mirror.example/debian", "bookworm", "main contrib"),
        Source("http://mirror.example/security", "bookworm-security", "main", "/usr/share/keyrings/debian.gpg"),
        Source("http://other.example/nodistro", "nodistro", "main"),
    ]


@pytest.mark.parametrize("machine", [STANZAS, LINES])
def test_only_debians_own_suites_are_turned(machine: str) -> None:
    turned = for_release(parse(machine), "bookworm", "trixie")

    assert turned
    assert all(source.suite.startswith("trixie") for source in turned)
    assert not any("other.example" in source.uri for source in turned)


def test_a_machine_without_debian_sources_is_told_so() -> None:
    with pytest.raises(ClusterFailure, match="apt's sources name no Debian bookworm"):
        for_release(parse("deb http://mirror.example/ubuntu jammy main\n"), "bookworm", "trixie")


def test_written_sources_read_back_equal() -> None:
    sources = parse(STANZAS)

    assert parse(text(sources)) == sources

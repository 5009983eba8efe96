"""A server without a route table: who names a version by header gets it or a word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest.faults import HOP
from moorage_runtime.servers.split.solo import NAMED, Solo

LOCAL: Any = SimpleNamespace(served=SimpleNamespace(version="3", revision="ab12"))
DOCUMENT: Any = SimpleNamespace()


def asking(**headers: bytes) -> Head:
    return Head(b"POST", b"/v2/models/fraud/infer", b"", {name.encode(): value for name, value in headers.items()})


@pytest.mark.parametrize("name", [b"3", b"ab12", b"stable"])
def test_the_version_that_answers_may_be_named(name: bytes) -> None:
    head = asking()
    head.headers[NAMED] = name
    assert Solo().lead(head, LOCAL) is LOCAL


def test_another_version_is_not_found_and_the_path_is_told() -> None:
    head = asking()
    head.headers[NAMED] = b"999"
    with pytest.raises(RequestFault) as refused:
        Solo().lead(head, LOCAL)
    assert (refused.value.status, refused.value.reason) == (404, "VersionNotFound")
    assert "version 3 answers here" in refused.value.message
    assert "/versions/{version}/infer" in refused.value.message


def test_without_the_header_for_documents_and_between_pods_it_does_not_matter() -> None:
    head = asking()
    assert Solo().lead(head, LOCAL) is LOCAL
    head.headers[NAMED] = b"999"
    assert Solo().lead(head, DOCUMENT) is DOCUMENT
    head.headers[HOP] = b"1"
    assert Solo().lead(head, LOCAL) is LOCAL

"""Who is let in: holders of a key, and nobody while there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.rest.auth import MISSING, Keys
from moorage_runtime.servers.rest.router import Router

INFER = "/v2/models/fraud/infer"
TENSOR = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1).ravel().tolist()}
REQUEST = json.dumps({"inputs": [TENSOR]})


class Secret:
    """A Secret as the kubelet mounts it: links to a hidden folder, swapped as one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._turn = 0
        folder.mkdir()

    def hold(self, **keys: bytes) -> None:
        self._turn += 1
        data = self.folder / f"..{self._turn}"
        data.mkdir()
        for name, key in keys.items():
            (data / name).write_bytes(key)
        draft = self.folder / "..draft"
        draft.symlink_to(data.name)
        draft.replace(self.folder / "..data")
        for name in keys:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        for link in self.folder.iterdir():
            if not link.name.startswith("..") and link.name not in keys:
                link.unlink()


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    return Secret(tmp_path / "secret")


def test_any_of_several_keys_is_allowed(secret: Secret) -> None:
    secret.hold(one=b"first\n", two=b"  second  ", empty=b"\n")
    keys = Keys(secret.folder)
    good: tuple[bytes | str, ...] = (b"Bearer first", b"bearer  second ", "BEARER first", "second", b"first")
    for shown in good:
        assert keys.allows(shown), shown
    wrong: tuple[bytes | str | None, ...] = (
        None, "", b"", b"Bearer", b"Bearer ", "third", "first2", "firs", "Basic first", b"\xff", "\ud800",
    )  # fmt: skip
    for none in wrong:
        assert not keys.allows(none), none
    assert keys.obstacle() is None


@given(st.binary(max_size=40))
def test_nothing_is_allowed_while_there_is_no_key(shown: bytes) -> None:
    keys = Keys(Path("/nonexistent"))
    assert not keys.allows(shown)
    assert not keys.allows(b"Bearer " + shown)
    assert keys.obstacle() == MISSING


def test_a_key_is_rotated_by_its_file(secret: Secret) -> None:
    secret.hold(key=b"old")
    keys = Keys(secret.folder)
    epochs = [keys.epoch]
    for held, allowed, refused in (
        ({"key": b"old", "next": b"new"}, ("old", "new"), ()),
        ({"next": b"new"}, ("new",), ("old",)),
        ({}, (), ("old", "new")),
        ({"key": b"third"}, ("third",), ("old", "new")),
    ):
        secret.hold(**held)
        keys.poll()
        epochs.append(keys.epoch)
        assert [keys.allows(key) for key in allowed] == [True] * len(allowed)
        assert not any(keys.allows(key) for key in refused)
    assert epochs == sorted(set(epochs))
    keys.poll()
    assert keys.epoch == epochs[-1]


def test_a_change_of_keys_voids_where_heads_led(secret: Secret) -> None:
    secret.hold(key=b"old")
    keys = Keys(secret.folder)
    router = Router([], keys)
    before = router.epoch
    keys.poll()
    assert router.epoch == before
    secret.hold(key=b"new")
    keys.poll()
    assert router.epoch > before


def test_a_key_that_cannot_be_read_opens_nothing(secret: Secret) -> None:
    secret.hold(key=b"good")
    (secret.folder / "gone").symlink_to("..data/nothing")
    (secret.folder / "folder").mkdir()
    keys = Keys(secret.folder)
    assert keys.allows("good")
    assert not keys.allows("")


def test_keys_are_in_no_log_and_no_refusal(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    secret.hold(key=b"topsecret")
    keys = Keys(secret.folder)
    with pytest.raises(RequestFault) as caught:
        keys.check(Head(b"GET", b"/v2", b"", {b"authorization": b"Bearer wrongsecret"}))
    assert (caught.value.status, caught.value.headers) == (401, ((b"www-authenticate", b"Bearer"),))
    told = str(caught.value) + "".join(str(record.__dict__) for record in caplog.records)
    assert "topsecret" not in told
    assert "wrongsecret" not in told


def served(made: Pod, secret: Secret) -> Pod:
    made.variables["MOORAGE_API_KEYS_DIR"] = str(secret.folder)
    assert made.download().returncode == 0
    return made


def test_only_who_has_a_key_learns_anything(artifacts: Path, pod: Callable[..., Pod], secret: Secret) -> None:
    secret.hold(key=b"s3cret")
    guarded = served(pod(f"file://{artifacts / 'boosting'}", apiKeys=True), secret)
    guarded.serve()
    for method, path in (
        ("POST", INFER),
        ("GET", "/v2"),
        ("GET", "/nope"),
        ("GET", "/v2/models/other"),
        ("PUT", "/v2"),
    ):
        status, headers, body = guarded.ask(method, path, REQUEST if method == "POST" else None)
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
        assert "key" in json.dumps(json.loads(body)["error"])
    for path in ("/", "/v2/health/live", "/v2/health/ready"):
        assert guarded.ask("GET", path)[0] == 200
    assert guarded.probe("/readyz") == 200
    for shown in ({"authorization": "Bearer s3cret"}, {"x_api_key": "s3cret"}):
        assert guarded.ask("POST", INFER, REQUEST, **shown)[0] == 200
        assert guarded.ask("GET", "/nope", **shown)[0] == 404
    assert guarded.ask("POST", INFER, REQUEST, authorization="Bearer other")[0] == 401
    assert "s3cret" not in guarded.log()


def test_without_a_key_nothing_is_ready_until_one_appears(
    artifacts: Path, pod: Callable[..., Pod], secret: Secret
) -> None:
    guarded = served(pod(f"file://{artifacts / 'boosting'}", apiKeys=True), secret)
    guarded.start()
    until(lambda: guarded.probe("/startupz") == 200)
    assert guarded.admin("/readyz") == (503, f"{MISSING}\n".encode())
    state = json.loads(guarded.admin("/state")[1])
    assert (state["ready"], state["obstacle"]) == (False, MISSING)
    assert MISSING in guarded.log()
    assert guarded.ask("POST", INFER, REQUEST, authorization="Bearer first")[0] == 401
    secret.hold(key=b"first")
    until(lambda: guarded.probe("/readyz") == 200)
    assert guarded.ask("POST", INFER, REQUEST, authorization="Bearer first")[0] == 200
    secret.hold(key=b"second")
    until(lambda: guarded.ask("POST", INFER, REQUEST, authorization="Bearer first")[0] == 401)
    assert guarded.ask("POST", INFER, REQUEST, authorization="Bearer second")[0] == 200


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)

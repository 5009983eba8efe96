"""Downloads from a mounted claim that whoever may write to it tries to turn against the pod."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime import graphs
from tests.unit.runtime.pod import Pod

from moorage_runtime import config, termination
from moorage_runtime.config import DownloadReport, ServeReport
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import reasons
from moorage_runtime.storage.file import FileStore
from moorage_runtime.storage.formats import identify
from moorage_runtime.storage.store import Entry

MODEL = graphs.model()


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    folder = tmp_path / "claim"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(MODEL)
    (folder / "sub" / "weights").write_bytes(b"weights" * 1000)
    return folder


def report_of(made: Pod) -> dict[str, Any]:
    code = made.download().returncode
    found = made.termination()
    assert code == (3 if "reason" in found else 0)
    assert config.decode_download(json.dumps(found)) is not None
    return found


def test_a_claim_is_copied_and_left_as_it_was(claim: Path, pod: Callable[..., Pod]) -> None:
    made = pod(f"file://{claim}")
    found = report_of(made)
    assert (found["files"], found["bytes"], found["modelFormat"]) == (2, 7000 + len(MODEL), "onnx")
    assert (made.models / "artifact" / "sub" / "weights").read_bytes() == b"weights" * 1000
    assert sorted(path.name for path in claim.iterdir()) == ["model.onnx", "sub"]
    single = pod(f"file://{claim / 'model.onnx'}")
    assert report_of(single)["files"] == 1


def _symlink_file(claim: Path, secret: Path) -> None:
    (claim / "sub" / "link").symlink_to(secret)


def _symlink_folder(claim: Path, secret: Path) -> None:
    (claim / "folder").symlink_to(secret.parent)


def _hard_link(claim: Path, secret: Path) -> None:
    os.link(secret, claim / "hard")


def _pipe(claim: Path, secret: Path) -> None:
    os.mkfifo(claim / "pipe")


def _backslash(claim: Path, secret: Path) -> None:
    (claim / "..\\up").write_bytes(b"x")


def _newline(claim: Path, secret: Path) -> None:
    (claim / "a\nb").write_bytes(b"x")


def _no_utf8(claim: Path, secret: Path) -> None:
    Path(os.fsdecode(os.fsencode(claim) + b"/\xff")).write_bytes(b"x")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_symlink_file, reasons.LINK_REFUSED),
        (_symlink_folder, reasons.LINK_REFUSED),
        (_hard_link, reasons.LINK_REFUSED),
        (_pipe, reasons.UNSAFE_PATH),
        (_backslash, reasons.UNSAFE_PATH),
        (_newline, reasons.UNSAFE_PATH),
        (_no_utf8, reasons.UNSAFE_PATH),
    ],
)
def test_what_is_no_plain_file_is_refused(
    claim: Path, tmp_path: Path, pod: Callable[..., Pod], spoil: Callable[[Path, Path], None], reason: str
) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_bytes(b"secret")
    spoil(claim, secret)
    made = pod(f"file://{claim}")
    assert report_of(made)["reason"] == reason
    assert not list(made.models.iterdir())


def test_a_claim_reached_by_a_link_is_refused(claim: Path, tmp_path: Path, pod: Callable[..., Pod]) -> None:
    (tmp_path / "door").symlink_to(claim)
    for uri in (tmp_path / "door", tmp_path / "door" / "sub"):
        assert report_of(pod(f"file://{uri}"))["reason"] == reasons.LINK_REFUSED


def test_a_file_swapped_for_a_link_after_the_listing_is_not_read(claim: Path, tmp_path: Path) -> None:
    store = FileStore(claim)
    listed = {entry.path: entry for entry in store.entries()}
    secret = tmp_path / "secret"
    secret.write_bytes(MODEL)
    (tmp_path / "part").touch()
    (claim / "model.onnx").unlink()
    (claim / "model.onnx").symlink_to(secret)
    with pytest.raises(ArtifactFault, match="LinkRefused"):
        store.fetch(listed["model.onnx"], tmp_path / "part")
    (claim / "sub").rename(tmp_path / "moved")
    (claim / "sub").symlink_to(tmp_path / "moved")
    with pytest.raises(ArtifactFault):
        store.fetch(listed["sub/weights"], tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == b""


def test_a_file_that_changes_while_it_is_read_is_refused(claim: Path, tmp_path: Path) -> None:
    store = FileStore(claim)
    (entry,) = [entry for entry in store.entries() if entry.path == "model.onnx"]
    (claim / "model.onnx").write_bytes(b"other")
    os.utime(claim / "model.onnx", ns=(1, 1))
    (tmp_path / "part").touch()
    with pytest.raises(ArtifactFault) as caught:
        store.fetch(entry, tmp_path / "part")
    assert caught.value.reason == reasons.DOWNLOAD_INTERRUPTED


def test_a_copy_goes_on_where_it_ended(claim: Path, tmp_path: Path) -> None:
    store = FileStore(claim)
    (entry,) = [entry for entry in store.entries() if entry.path == "sub/weights"]
    (tmp_path / "part").write_bytes((b"weights" * 1000)[:3333])
    store.fetch(entry, tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == b"weights" * 1000
    assert isinstance(entry, Entry)


def test_what_is_not_there_is_said_so(claim: Path, pod: Callable[..., Pod]) -> None:
    found = report_of(pod(f"file://{claim}/nope"))
    assert found["reason"] == reasons.ARTIFACT_NOT_FOUND
    assert found["message"] == "the claim has no 'nope'; check the path in spec.model"


@pytest.mark.parametrize("uri", ["http://host/x", "s3:///x", "file://host/x", "mlflow-artifacts://host/x", "x", ""])
def test_other_sources_are_refused(pod: Callable[..., Pod], uri: str) -> None:
    assert report_of(pod(uri))["reason"] == reasons.SOURCE_UNSUPPORTED


MLMODELS = [
    ("flavors: {onnx: {data: m.onnx}}", None, "m.onnx"),
    ("flavors: {onnx: {data: ../m.onnx}}", None, reasons.FORMAT_UNKNOWN),
    ("flavors: {onnx: {data: nope.onnx}}", None, reasons.FORMAT_UNKNOWN),
    ("flavors: {onnx: {data: [1]}}", None, reasons.FORMAT_UNKNOWN),
    ("flavors: {sklearn: {}, python_function: {}}", None, reasons.FORMAT_UNSUPPORTED),
    ("flavors: {sklearn: {}}", "onnx", reasons.FORMAT_UNSUPPORTED),
    ("nothing: here", None, "m.onnx"),
    ("- a list", None, "m.onnx"),
    ("{{{", None, reasons.FORMAT_UNKNOWN),
    ("[" * 5000, None, reasons.FORMAT_UNKNOWN),
    ("!!python/object/apply:os.system ['true']", None, reasons.FORMAT_UNKNOWN),
    (None, None, "m.onnx"),
    (None, "onnx", "m.onnx"),
    (None, "sklearn", reasons.FORMAT_UNSUPPORTED),
]


@pytest.mark.parametrize(("mlmodel", "declared", "result"), MLMODELS)
def test_the_format_is_told_from_the_declaration_the_mlmodel_or_the_file(
    tmp_path: Path, mlmodel: str | None, declared: str | None, result: str
) -> None:
    files = ["m.onnx", *(["MLmodel"] if mlmodel is not None else [])]
    path = tmp_path / "MLmodel" if mlmodel is not None else None
    if path:
        path.write_text(mlmodel or "")
    if result == "m.onnx":
        assert identify(path, files, declared).model_file == result
        return
    with pytest.raises(ArtifactFault) as caught:
        identify(path, files, declared)
    assert caught.value.reason == result


@pytest.mark.parametrize("files", [["readme"], ["a.onnx", "b.onnx"], ["model.pkl"]])
def test_a_folder_without_one_model_is_unknown(files: list[str]) -> None:
    with pytest.raises(ArtifactFault) as caught:
        identify(None, files, None)
    assert caught.value.reason == reasons.FORMAT_UNKNOWN


@pytest.mark.parametrize("message", ["short", "x" * 10_000, "ü" * 5000, '"\\\n' * 3000])
def test_the_last_word_fits_the_kubelet(tmp_path: Path, message: str) -> None:
    path = tmp_path / "termination"
    termination.write(path, DownloadReport(reason="R", message=message))
    assert path.stat().st_size <= config.TERMINATION_BYTES
    found = config.decode_download(path.read_bytes())
    assert found
    assert found.message
    assert message.startswith(found.message.removesuffix("..."))
    assert len(found.message) > min(len(message), 1200) - 5
    termination.write(path, ServeReport(reason="R", message=message))
    assert config.decode_serve(path.read_bytes())


def test_a_broken_configuration_is_said_and_nothing_starts(claim: Path, pod: Callable[..., Pod]) -> None:
    made = pod(f"file://{claim}")
    made.config["model"] = 5
    assert made.download().returncode == 2
    assert made.termination()["reason"] == "ConfigInvalid"
    assert "Expected `str`, got `int` - at `$.model`" in made.termination()["message"]

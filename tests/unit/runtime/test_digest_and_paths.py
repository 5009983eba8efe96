"""Names from a store, and the digest over files: the pure half of the defence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.errors import ArtifactFault
from moorage_runtime.storage import digest, paths, reasons

HOSTILE = [
    "",
    "/etc/passwd",
    "../up",
    "a/../../up",
    "a/..",
    "./a",
    "a//b",
    "a/",
    "a\\b",
    "a\x00b",
    "a\nb",
    "a\x7f",
    "\ud800",
    "a" * 256,
    "/".join("a" * 33),
    "/".join(["abcdefgh"] * 31) + "/" + "é" * 400,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_name_is_refused(path: str) -> None:
    with pytest.raises(ArtifactFault) as caught:
        paths.checked(path)
    assert caught.value.reason == reasons.UNSAFE_PATH
    assert not caught.value.retriable
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("path", ["model.onnx", "a/b c/MLmodel", "..a", "a..", "ü/モデル.onnx", ".hidden"])
def test_a_plain_name_passes(path: str) -> None:
    assert paths.checked(path) == path


@given(st.lists(st.sampled_from(["a", "..", ".", "", "b\\", "/", "\x00", "c"]) | st.text(max_size=5), max_size=6))
def test_whatever_passes_stays_inside_its_folder(parts: list[str]) -> None:
    path = "/".join(parts)
    try:
        paths.checked(path)
    except ArtifactFault:
        return
    joined = os.path.normpath(os.path.join("/models/tree", path))
    assert joined.startswith("/models/tree/")
    assert PurePosixPath(joined).relative_to("/models/tree") == PurePosixPath(path)
    assert not set("\x00\n\r\\") & set(path)


@pytest.mark.parametrize("listed", [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], ["x", "a/b/c/d", "a"]])
def test_a_tree_that_no_folder_can_hold_is_refused(listed: list[str]) -> None:
    with pytest.raises(ArtifactFault):
        paths.check_tree(listed)
    paths.check_tree(["a/b", "a/c", "ab"])


HASHES = st.dictionaries(st.text(min_size=1), st.text("0123456789abcdef", min_size=64, max_size=64), max_size=5)


@given(HASHES, st.randoms())
def test_the_digest_ignores_order_and_sees_every_change(hashes: dict[str, str], random: object) -> None:
    shuffled = list(hashes.items())
    getattr(random, "shuffle")(shuffled)  # noqa: B009 - Hypothesis types it as object
    assert digest.of_hashes(dict(shuffled)) == digest.of_hashes(hashes)
    for path in hashes:
        renamed = {("new" + key if key == path else key): value for key, value in hashes.items()}
        changed = hashes | {path: "f" * 63 + ("0" if hashes[path][-1] != "0" else "1")}
        assert digest.of_hashes(renamed) != digest.of_hashes(hashes)
        assert digest.of_hashes(changed) != digest.of_hashes(hashes)


def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    files = {"b": b"2", "a/z": b"1", "a-z": b"", "ä": b"\x00"}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    shell = r"find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    found = digest.of_hashes({path: digest.of_file(tmp_path / path) for path in files})
    assert found == "sha256:" + said.split()[0]

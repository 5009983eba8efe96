"""Images are built from what the Dockerfile says, and a source-only change remakes only its own layers."""

import shutil
import tarfile
from pathlib import Path

import pytest
from e2e.cluster import ociimage, stages
from e2e.cluster.cache import Cache
from e2e.cluster.failure import ClusterFailure
from e2e.cluster.ociimage import Image
from e2e.cluster.stages import Builder, Recipe

RECIPE = Recipe("thing", "localhost/thing:1", "Dockerfile")
COPIES = 'FROM ${BASE}\nENV A=1\nUSER 1:1\nENTRYPOINT ["/x"]\nCOPY lock.txt /opt/\nCOPY package /opt/package\n'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a lock file and a package, and a base of one file in place of Debian."""
    root = tmp_path / "repository"
    (root / "package" / "__pycache__").mkdir(parents=True)
    (root / "package" / "module.py").write_text("x = 1\n")
    (root / "package" / "__pycache__" / "module.pyc").write_text("compiled")
    (root / "lock.txt").write_text("a==1\n")
    (root / "Dockerfile").write_text("ARG BASE=x\n" + COPIES)
    base = tmp_path / "base-0123456789abcdef"
    base.mkdir()
    (base / "file").write_text("base")
    monkeypatch.setattr(stages, "REPOSITORY", root)
    monkeypatch.setattr(stages, "BASES", {"BASE": lambda cache: base})
    return root


def _build(tmp_path: Path) -> Image:
    return Builder(RECIPE, Cache(tmp_path / "cache")).build()


def _names(layer: ociimage.Layer) -> set[str]:
    with tarfile.open(layer.tar) as tar:
        return {member.name for member in tar if member.isfile()}


def test_layers_hold_what_was_copied(repository: Path, tmp_path: Path) -> None:
    base, lock, package = _build(tmp_path).layers

    assert _names(base) == {"./file"}
    assert _names(lock) == {"./opt/lock.txt"}
    assert _names(package) == {"./opt/package/module.py"}


def test_the_start_is_what_the_dockerfile_says(repository: Path, tmp_path: Path) -> None:
    start = _build(tmp_path).start

    assert start.entrypoint == ("/x",)
    assert start.user == "1:1"
    assert start.env == (f"PATH={ociimage.DEFAULT_PATH}", "A=1")


def test_a_changed_source_changes_only_its_own_layer(repository: Path, tmp_path: Path) -> None:
    before = _build(tmp_path)
    (repository / "package" / "module.py").write_text("x = 2\n")
    after = _build(tmp_path)

    assert [a.tar == b.tar for a, b in zip(before.layers, after.layers, strict=True)] == [True, True, False]


def test_nothing_changed_is_the_same_image(repository: Path, tmp_path: Path) -> None:
    assert _build(tmp_path) == _build(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("FROM ${BASE}\nRUN true\n", "the last stage may only copy"),
        ("FROM python:3\n", "neither a base nor a stage"),
        ("FROM ${BASE}\nCOPY absent /x\n", "has no such file or folder"),
    ],
)
def test_what_cannot_be_built_is_said(repository: Path, tmp_path: Path, text: str, complaint: str) -> None:
    (repository / "Dockerfile").write_text("ARG BASE=x\n" + text)

    with pytest.raises(ClusterFailure, match=complaint):
        _build(tmp_path)


def test_a_source_that_changes_while_it_is_copied_is_not_kept(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = shutil.copytree

    def edited(source: Path, target: Path, **options: object) -> Path:
        (repository / "package" / "module.py").write_text("x = 3\n")
        return kept(source, target, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(shutil, "copytree", edited)
    with pytest.raises(ClusterFailure, match="package changed while it was copied"):
        _build(tmp_path)
    monkeypatch.setattr(shutil, "copytree", kept)

    assert len(_build(tmp_path).layers) == 3

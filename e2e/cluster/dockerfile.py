"""Images from the project's Dockerfiles, on a machine without Docker: by buildah, upon our own base."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import ociarchive, pipsettings, rootfs
from .cache import Cache, fingerprint, locked
from .command import run, succeeds
from .layout import HERE

REPOSITORY = HERE.parents[1]
BASE = "localhost/moorage-base"
STORE_LIMIT = 300
TRUST_STORE = "/etc/ssl/certs"


@dataclass(frozen=True)
class Recipe:
    """An image, its Dockerfile, and every path of the repository that goes into it."""

    name: str
    reference: str
    dockerfile: str
    inputs: tuple[str, ...]

    @property
    def key(self) -> str:
        paths = [REPOSITORY / name for name in (self.dockerfile, ".dockerignore", *self.inputs)]
        return fingerprint(self.reference, *paths, Path(rootfs.__file__))


OPERATOR = Recipe(
    "operator",
    "localhost/moorage-operator:dev",
    "operator/Dockerfile",
    ("locks/operator.txt", "operator/moorage_operator", "runtime/moorage_runtime"),
)
RUNTIME = Recipe(
    "runtime",
    "localhost/moorage-runtime:dev",
    "runtime/Dockerfile",
    ("locks/runtime.txt", "runtime/moorage_runtime"),
)
MLFLOW = Recipe(
    "mlflow",
    "localhost/moorage-mlflow:3.17",
    "e2e/cluster/mlflow/Dockerfile",
    ("locks/mlflow.txt",),
)


def archive(recipe: Recipe, cache: Cache) -> Path:
    """Return the image's archive, built when one of its inputs is new."""
    return cache.make(f"images/{recipe.name}", recipe.key, lambda target: _build(recipe, cache, target))


def _build(recipe: Recipe, cache: Cache, target: Path) -> None:
    store = cache.root / "buildah"
    with locked(cache.root / "locks" / "buildah.lock"):
        _forget_much(store)
        base = _base(cache, store)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        _buildah(store, "bud", *_options(base, Path(scratch)), *_names(recipe), REPOSITORY)
    # A docker archive holds plain layers: compressing them would take most of the build's time.
    _buildah(store, "push", "--quiet", recipe.reference, f"docker-archive:{target}:{recipe.reference}")


def _names(recipe: Recipe) -> list[str | Path]:
    return ["--file", REPOSITORY / recipe.dockerfile, "--tag", recipe.reference]


def _options(base: str, scratch: Path) -> list[str | Path]:
    settings = pipsettings.of_machine(os.environ)
    (scratch / "pip.conf").write_text(settings.text)
    mounts = {TRUST_STORE: TRUST_STORE, str(scratch / "pip.conf"): "/etc/pip.conf"}
    mounts |= {path: path for path in settings.paths if not path.startswith(TRUST_STORE)}
    volumes = [word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}:ro")]
    isolation = ["--isolation", "chroot", "--network", "host", "--pull-never", "--layers", "--quiet"]
    return [*isolation, "--build-arg", f"BASE={base}", *volumes]


def _base(cache: Cache, store: Path) -> str:
    """Return the reference of the base image in buildah's store, put there if need be."""
    root = rootfs.make(cache)
    reference = f"{BASE}:{root.name}"
    if not succeeds([*_command(store), "inspect", "--type", "image", reference]):
        with tempfile.TemporaryDirectory(dir=cache.root) as scratch:
            packed = Path(scratch) / "base.tar"
            ociarchive.pack(packed, reference, [root], ociarchive.Start())
            _buildah(store, "pull", "--quiet", f"oci-archive:{packed}")
    return reference


def _forget_much(store: Path) -> None:
    """Start the store anew when many builds have piled up in it; the next build takes a minute then."""
    if len(list((store / "root" / "overlay-images").glob("*"))) > STORE_LIMIT:
        _buildah(store, "rmi", "--all", "--force")


def _command(store: Path) -> list[str | Path]:
    return ["buildah", "--root", store / "root", "--runroot", store / "run", "--storage-driver", "overlay"]


def _buildah(store: Path, *words: str | Path) -> None:
    run([*_command(store), *words])

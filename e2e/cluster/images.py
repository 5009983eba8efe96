"""The images: the project's own two, and those that the cluster itself needs."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import debs, gobuild, ociimage
from .cache import Cache, fingerprint
from .gobuild import Program
from .ociimage import Image, Start
from .stages import Recipe

OPERATOR = Recipe("operator", "localhost/moorage-operator:dev", "operator/Dockerfile")
RUNTIME = Recipe("runtime", "localhost/moorage-runtime:dev", "runtime/Dockerfile")
MLFLOW = Recipe("mlflow", "localhost/moorage-mlflow:3.17", "e2e/cluster/mlflow/Dockerfile")
OWN = (OPERATOR, RUNTIME)

UNPRIVILEGED = "65532:65532"
PASSWD = "root:x:0:0:root:/:/\nprogram:x:10001:10001:program:/:/\nnobody:x:65532:65532:nobody:/:/\n"
LINKED = {"ld-linux-x86-64.so.2": "lib64", "libc.so.6": "lib/x86_64-linux-gnu"}
"""Where a program looks for what it is linked with."""


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program, a file on an empty root."""

    program: Program
    reference: str

    def make(self, cache: Cache) -> Image:
        """Return the image, packed if need be."""
        name = self.program.name

        def fill(root: Path) -> None:
            (binary,) = gobuild.binaries(self.program, cache).iterdir()
            shutil.copy(binary, root / name)

        return _image_of(self.reference, name, fingerprint(self.program.key, PASSWD), fill, cache)


@dataclass(frozen=True)
class DebImage:
    """An image of one program of Debian and its libc, three files on an empty root."""

    package: str
    reference: str

    def make(self, cache: Cache) -> Image:
        """Return the image, fetched and packed if need be."""
        name = self.package

        def fill(root: Path) -> None:
            usr = debs.program(cache, name) / "usr"
            shutil.copy(usr / "bin" / name, root / name)
            for library, folder in LINKED.items():
                (root / folder).mkdir(parents=True)
                shutil.copy(usr / "lib/x86_64-linux-gnu" / library, root / folder / library)

        key = fingerprint(debs.DAEMON_RELEASE, name, *LINKED, PASSWD)
        return _image_of(self.reference, name, key, fill, cache)


def _image_of(reference: str, name: str, key: str, fill: Callable[[Path], None], cache: Cache) -> Image:
    """The image whose root `fill` fills, beside the users, with the program `name`."""

    def build(target: Path) -> None:
        root = target.parent / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc" / "passwd").write_text(PASSWD)
        fill(root)
        ociimage.pack(root, target)

    layer = ociimage.packed(cache.make(f"tars/{name}", key, build))
    return Image(reference, (layer,), Start((f"/{name}",), UNPRIVILEGED))


PAUSE = ProgramImage(gobuild.PAUSE, "localhost/pause:1")
COREDNS = ProgramImage(gobuild.COREDNS, "localhost/coredns:1.15.0")
METRICS_SERVER = ProgramImage(gobuild.METRICS_SERVER, "localhost/metrics-server:0.9.0")
VERSITYGW = ProgramImage(gobuild.VERSITYGW, "localhost/versitygw:1.8.0")
PROMETHEUS = DebImage("prometheus", "localhost/prometheus:2.53")
PROGRAMS = (PAUSE, COREDNS, METRICS_SERVER, VERSITYGW, PROMETHEUS)

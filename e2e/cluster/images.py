"""The images that the cluster itself needs: static programs, each a file on an empty root."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import dockerfile, gobuild
from .cache import Cache, fingerprint
from .gobuild import Program
from .ociarchive import Start, pack

UNPRIVILEGED = "65532:65532"
PASSWD = "root:x:0:0:root:/:/\nprogram:x:10001:10001:program:/:/\nnobody:x:65532:65532:nobody:/:/\n"


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program."""

    program: Program
    reference: str

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def key(self) -> str:
        return fingerprint(self.reference, self.program.key, PASSWD, UNPRIVILEGED)


@dataclass(frozen=True)
class Archive:
    """An image packed in a file; the key tells whether its content is another than before."""

    reference: str
    key: str
    path: Path


PAUSE = ProgramImage(gobuild.PAUSE, "localhost/pause:1")
COREDNS = ProgramImage(gobuild.COREDNS, "localhost/coredns:1.15.0")
METRICS_SERVER = ProgramImage(gobuild.METRICS_SERVER, "localhost/metrics-server:0.9.0")
VERSITYGW = ProgramImage(gobuild.VERSITYGW, "localhost/versitygw:1.8.0")
PROGRAM_IMAGES = (PAUSE, COREDNS, METRICS_SERVER, VERSITYGW)
OWN_IMAGES = (dockerfile.OPERATOR, dockerfile.RUNTIME)


def of_program(image: ProgramImage, cache: Cache) -> Archive:
    """Return the image of a program, packed if need be."""
    path = cache.make(f"images/{image.name}", image.key, _packer(image, cache))
    return Archive(image.reference, image.key, path)


def of_recipe(recipe: dockerfile.Recipe, cache: Cache) -> Archive:
    """Return the image of a Dockerfile, built if need be."""
    return Archive(recipe.reference, recipe.key, dockerfile.archive(recipe, cache))


def _packer(image: ProgramImage, cache: Cache) -> Callable[[Path], None]:
    def build(target: Path) -> None:
        root = target.parent / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc" / "passwd").write_text(PASSWD)
        (binary,) = gobuild.binaries(image.program, cache).iterdir()
        shutil.copy(binary, root / image.name)
        pack(target, image.reference, [root], Start((f"/{image.name}",), UNPRIVILEGED))

    return build

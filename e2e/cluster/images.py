"""The images: the project's own two, and those that the cluster itself needs."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import gobuild, ociimage
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


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program, a file on an empty root."""

    program: Program
    reference: str

    def make(self, cache: Cache) -> Image:
        """Return the image, packed if need be."""
        name = self.program.name
        key = fingerprint(self.program.key, PASSWD)
        layer = ociimage.packed(cache.make(f"tars/{name}", key, self._packer(cache)))
        return Image(self.reference, (layer,), Start((f"/{name}",), UNPRIVILEGED))

    def _packer(self, cache: Cache) -> Callable[[Path], None]:
        def build(target: Path) -> None:
            root = target.parent / "root"
            (root / "etc").mkdir(parents=True)
            (root / "etc" / "passwd").write_text(PASSWD)
            (binary,) = gobuild.binaries(self.program, cache).iterdir()
            shutil.copy(binary, root / self.program.name)
            ociimage.pack(root, target)

        return build


PAUSE = ProgramImage(gobuild.PAUSE, "localhost/pause:1")
COREDNS = ProgramImage(gobuild.COREDNS, "localhost/coredns:1.15.0")
METRICS_SERVER = ProgramImage(gobuild.METRICS_SERVER, "localhost/metrics-server:0.9.0")
VERSITYGW = ProgramImage(gobuild.VERSITYGW, "localhost/versitygw:1.8.0")
PROGRAMS = (PAUSE, COREDNS, METRICS_SERVER, VERSITYGW)

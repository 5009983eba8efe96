"""Where things lie: the clone, its ignored state folder, and the cache beside all clones."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Layout:
    """Every folder and file that outlives one command."""

    repo: Path
    cache: Path

    @property
    def local(self) -> Path:
        return self.repo / ".local"

    @property
    def kubeconfig(self) -> Path:
        return self.local / "kubeconfig"

    @property
    def kubectl(self) -> Path:
        return self.local / "bin" / "kubectl"

    @property
    def node(self) -> Path:
        return self.local / "node"

    @property
    def images(self) -> Path:
        """Record of the project's own images: reference -> archive."""
        return self.local / "images.json"


def discover(environ: Mapping[str, str]) -> Layout:
    """Return the layout of the clone that holds this file."""
    home = Path(environ.get("HOME") or Path.home())
    base = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "moorage"
    return Layout(repo=HERE.parents[1], cache=Path(environ.get("MOORAGE_CACHE") or base).absolute())


def environment() -> dict[str, str]:
    """Return this process's environment with the places where administrators' tools lie on PATH."""
    path = os.environ.get("PATH", "")
    extra = [d for d in ("/usr/local/go/bin", "/usr/sbin", "/sbin") if d not in path.split(":")]
    return {**os.environ, "PATH": ":".join([path, *extra])}

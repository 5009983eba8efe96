"""Programs built from Go modules, each from its own go.mod under `go/`."""

from dataclasses import dataclass
from pathlib import Path

from .cache import Cache, fingerprint
from .command import run
from .layout import HERE

KUBERNETES_VERSION = "v1.36.3"


@dataclass(frozen=True)
class Program:
    """A go.mod folder, the packages to build from it, and flags for the linker."""

    name: str
    packages: tuple[str, ...]
    linker: str = "-s -w"

    @property
    def folder(self) -> Path:
        return HERE / "go" / self.name

    @property
    def key(self) -> str:
        return fingerprint(self.folder, *self.packages, self.linker)


def _kubernetes_linker(version: str) -> str:
    major, minor, _ = version.removeprefix("v").split(".")
    component = "k8s.io/component-base/version"
    # Without these a kubelet reports v0.0.0, and kubectl warns about the skew.
    values = {
        f"{component}.gitVersion": version,
        f"{component}.gitMajor": major,
        f"{component}.gitMinor": minor,
        f"{component}.gitTreeState": "clean",
        "k8s.io/client-go/pkg/version.gitVersion": version,
    }
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in values.items())])


KUBERNETES = Program(
    "kubernetes",
    tuple(
        f"k8s.io/kubernetes/cmd/{command}"
        for command in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet",
            "kube-proxy",
            "kubectl",
        )
    ),
    _kubernetes_linker(KUBERNETES_VERSION),
)
PAUSE = Program("pause", (".",))
COREDNS = Program("coredns", ("github.com/coredns/coredns",))
METRICS_SERVER = Program("metrics-server", ("sigs.k8s.io/metrics-server/cmd/metrics-server",))
VERSITYGW = Program("versitygw", ("github.com/versity/versitygw/cmd/versitygw",))
PROGRAMS = (KUBERNETES, PAUSE, COREDNS, METRICS_SERVER, VERSITYGW)


def missing(cache: Cache) -> list[Program]:
    """Return the programs that the cache does not hold yet."""
    return [program for program in PROGRAMS if not cache.has(f"go/{program.name}", program.key)]


def binaries(program: Program, cache: Cache) -> Path:
    """Return the folder with the program's static binaries, built if need be."""
    return cache.make(f"go/{program.name}", program.key, lambda target: _build(program, target))


def _build(program: Program, target: Path) -> None:
    target.mkdir()
    flags = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", program.linker]
    run(
        ["go", "build", *flags, "-o", f"{target}/", *program.packages],
        cwd=program.folder,
        env={"CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
    )

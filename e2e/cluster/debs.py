"""What comes from Debian: tools installed on the machine, daemons unpacked beside it."""

from pathlib import Path

from . import sources
from .cache import Cache, fingerprint
from .command import run

MACHINE_RELEASE = "bookworm"
DAEMON_RELEASE = "trixie"
TOOLS = (
    "conntrack",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "mmdebstrap",
    "openssl",
    "runc",
)
# bookworm's own are too old for this Kubernetes; these run on bookworm's libc.
DAEMONS = ("containerd", "etcd-server")
LIBC = "libc6"


def missing_tools() -> list[str]:
    """Return the tools that are not installed on this machine."""
    shown = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"])
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [tool for tool in TOOLS if tool not in installed]


def install_tools(tools: list[str]) -> None:
    """Install tools by apt, without their recommendations."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet)
    run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *tools], env=quiet)


def daemons(cache: Cache) -> Path:
    """Return the folder that holds containerd, its shim and etcd."""
    return unpacked(cache, "debs/daemons", DAEMON_RELEASE, DAEMONS) / "usr" / "bin"


def program(cache: Cache, package: str) -> Path:
    """Return the folder that holds the contents of a package, and of the libc that its programs are linked with."""
    return unpacked(cache, f"debs/{package}", DAEMON_RELEASE, (package, LIBC))


def unpacked(cache: Cache, name: str, release: str, packages: tuple[str, ...]) -> Path:
    """Return a folder with the contents of these packages of a Debian release, nothing of which is installed."""
    listed = sources.for_release(sources.of_machine(), MACHINE_RELEASE, release)
    key = fingerprint(release, *packages)
    return cache.make(name, key, lambda target: _unpack(target, sources.text(listed), packages))


def _unpack(target: Path, source_list: str, packages: tuple[str, ...]) -> None:
    work = target.parent / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (work / folder).mkdir(parents=True)
    (work / "sources.list").write_text(source_list)
    places = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        # The unprivileged download user cannot enter this folder.
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in places.items() for word in ("-o", f"{name}={value}")]
    run(["apt-get", *options, "update", "-qq"])
    run(["apt-get", *options, "download", "-qq", *packages], cwd=work / "debs")
    target.mkdir()
    for deb in sorted((work / "debs").glob("*.deb")):
        run(["dpkg", "-x", deb, target])

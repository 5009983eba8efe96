"""The base images of a machine without Docker: Debian with its Python, what `python:3.11-slim` is elsewhere, and the
same with a C compiler, what `python:3.11` is."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import sources
from .cache import Cache, fingerprint
from .command import run
from .debs import MACHINE_RELEASE

PACKAGES = (
    "base-files",
    "ca-certificates",
    "coreutils",
    "dash",
    "findutils",
    "grep",
    "libc-bin",
    "libgcc-s1",
    "libstdc++6",
    "netbase",
    "openssl",
    "python3-minimal",
    "python3-venv",
    "sed",
)
COMPILER = (*PACKAGES, "gcc", "libc6-dev", "python3-dev")
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
PASSWD = """root:x:0:0:root:/root:/usr/sbin/nologin
app:x:10001:10001:app:/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\napp:x:10001:\nnogroup:x:65534:\n"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a place in memory, entered by a fresh folder
_MEMORY_NEEDED = 2 << 30


def base(cache: Cache) -> Path:
    """Return the folder of the root file system, made if need be (about 25 s)."""
    return _made("rootfs/base", PACKAGES, cache)


def compiler(cache: Cache) -> Path:
    """Return that of the one with a compiler."""
    return _made("rootfs/compiler", COMPILER, cache)


def _made(name: str, packages: Sequence[str], cache: Cache) -> Path:
    key = fingerprint(Path(__file__), *packages)
    return cache.make(name, key, lambda target: _make(target, packages))


def _make(target: Path, packages: Sequence[str]) -> None:
    work = _scratch(target.parent)
    try:
        _bootstrap(work, packages)
        target.mkdir()
        run(["tar", "-C", target, "-xpf", work / "base.tar"])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _finish(target)


def _scratch(beside: Path) -> Path:
    """Unpacking packages is thousands of fsyncs: do it in memory where there is enough of it."""
    free = shutil.disk_usage(_MEMORY).free if _MEMORY.is_dir() else 0
    work = Path(tempfile.mkdtemp(prefix="moorage-rootfs-", dir=_MEMORY if free > _MEMORY_NEEDED else beside))
    work.chmod(0o755)
    return work


def _bootstrap(work: Path, packages: Sequence[str]) -> None:
    listed = sources.for_release(sources.of_machine(), MACHINE_RELEASE, MACHINE_RELEASE)
    (work / "base.list").write_text(sources.text(listed))
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=extract",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            f"--include={','.join(packages)}",
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
            MACHINE_RELEASE,
            work / "base.tar",
            work / "base.list",
        ],
        env={"TMPDIR": str(work)},
    )


def _finish(root: Path) -> None:
    """Do what the packages' own scripts would have done, had they run."""
    etc = root / "etc"
    (etc / "passwd").write_text(PASSWD)
    (etc / "group").write_text(GROUP)
    _trust(root)
    _empty(root)
    run(["chroot", root, "/sbin/ldconfig"])
    # Single-process: several would want /dev/shm.
    run(["chroot", root, "/usr/bin/python3", "-m", "compileall", "-q", "/usr/lib/python3.11"])


def _trust(root: Path) -> None:
    certificates = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.write_bytes(b"".join(certificate.read_bytes() for certificate in certificates))


def _empty(root: Path) -> None:
    for name in ("dev", "proc", "sys", "run", "tmp", "var/cache", "var/lib/apt", "var/log", "etc/apt"):
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for name in ("hosts", "hostname", "resolv.conf"):
        (root / "etc" / name).write_text("")

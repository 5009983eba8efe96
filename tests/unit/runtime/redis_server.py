"""A real Redis for tests: Debian's, unpacked beside the clones and not installed, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from e2e.cluster import debs
from e2e.cluster.cache import Cache
from e2e.cluster.layout import discover
from tests.ports import free_port

PACKAGES = ("redis-server", "redis-tools", "libjemalloc2", "libatomic1", "liblzf1")


class RedisServer:
    """One server process without persistence; `folder` keeps its certificates, if it has any."""

    def __init__(self, folder: Path, *, password: str = "", tls: bool = False) -> None:
        self.folder = folder
        self.password = password
        self.port = free_port()
        self._tls = tls
        self.process: subprocess.Popen[bytes] | None = None
        if tls:
            _certify(folder)

    @property
    def url(self) -> str:
        return f"redis{'s' if self._tls else ''}://127.0.0.1:{self.port}/3"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        root = debs.unpacked(Cache(discover(os.environ).cache), "debs/redis", debs.MACHINE_RELEASE, PACKAGES)
        libraries = ":".join(str(folder) for folder in (root / "usr" / "lib").glob("*-linux-gnu*"))
        self.process = subprocess.Popen(
            [root / "usr" / "bin" / "redis-server", *self._options()],
            env=os.environ | {"LD_LIBRARY_PATH": libraries},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _until_listening(self.port, self.process)

    def kill(self) -> None:
        """As the kernel would, when memory is short."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """It still has its connections, and answers nothing."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def _options(self) -> list[str]:
        ports = ["--port", str(self.port)]
        if self._tls:
            files = ["--tls-cert-file", "server.crt", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.crt"]
            ports = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no", *files]
        secret = ["--requirepass", self.password] if self.password else []
        return [*ports, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", "64mb", *secret]


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "redis-server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("redis-server does not listen")


def _certify(folder: Path) -> None:
    """A certificate authority, `ca.crt`, and a server's certificate for 127.0.0.1."""
    name = ["-subj", "/CN=moorage test", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", "1", "-extfile", "san"]
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for words in (
        ["req", "-x509", *name, "-keyout", "ca.key", "-out", "ca.crt"],
        ["req", *name, "-keyout", "server.key", "-out", "server.csr"],
        ["x509", "-req", "-in", "server.csr", "-out", "server.crt", "-days", "2", *signed],
    ):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

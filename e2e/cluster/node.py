"""The node: one process tree in namespaces of its own, on a machine without Docker.

Killing its first process ends everything in it; all it leaves is its state folder and empty
cgroups, which `stop` removes.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

from . import cgroups, guardians, ociimage, pki
from .command import succeeds
from .failure import ClusterFailure
from .layout import HERE, environment
from .ociimage import Image

INIT = HERE / "node" / "init.sh"
PREFERRED_PORT = 16443
START_SECONDS = 60.0
# Fixed paths of kubelet and containerd; inside the node each is a memory file system of its own.
MOUNT_POINTS = (
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/pods",
    "/var/log/containers",
    "/usr/libexec/kubernetes",
)
CONFIGURATIONS = ("containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "audit-policy.yaml")


class Node:
    """A node whose state lies in one folder."""

    def __init__(self, state: Path) -> None:
        self.state = state

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def _configured(self) -> Path:
        """Exists when all settings of the node are written; its first process waits for it."""
        return self.state / "configured"

    def running(self) -> bool:
        """Tell whether the node lives and its state is there."""
        return self._configured.exists() and bool(guardians.find(INIT))

    def port(self) -> int:
        """Return the port of the machine on which the API server answers."""
        return int((self.state / "port").read_text())

    def start(self, kubernetes: Path, daemons: Path) -> None:
        """Start the node's processes; returns when containerd answers. Raises ClusterFailure."""
        self._prepare()
        environ = environment()
        environ |= {"STATE": str(self.state), "KUBE": str(kubernetes), "PATH": f"{daemons}:{environ['PATH']}"}
        words = "unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc"
        # The cgroup carries the number of the process that `exec` keeps: no two nodes share one.
        script = f'export CGROUP={cgroups.PREFIX}$$; exec {words} "$0"'
        with (self.log / "init.log").open("wb") as log:
            guardian = subprocess.Popen(
                ["sh", "-c", script, str(INIT)],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        self._configure(guardian.pid)
        self._configured.touch()
        self._await_containerd(guardian, daemons)

    def _prepare(self) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        for folder in ("log", "cni", "images", "kubelet"):
            (self.state / folder).mkdir(parents=True)
        (self.state / "resolv.conf").touch()
        made = [folder for folder in MOUNT_POINTS if not Path(folder).exists()]
        for folder in made:
            Path(folder).mkdir(parents=True)
        (self.state / "mount-points.json").write_text(json.dumps(made))
        shutil.copy(HERE / "node" / "pod-network.conflist", self.state / "cni" / "10-pods.conflist")
        pki.issue(self.state / "pki")

    def _configure(self, pid: int) -> None:
        for name in CONFIGURATIONS:
            text = (HERE / "node" / name).read_text()
            text = text.replace("@STATE@", str(self.state)).replace("@CGROUP@", cgroups.name(pid))
            (self.state / name).write_text(text)

    def first_process(self) -> int:
        """Return the machine's number for process 1 of the node. Raises ClusterFailure when it is down."""
        found = guardians.find(INIT)
        if not found:
            raise ClusterFailure("The node does not run: `make cluster-up` starts it.")
        return guardians.first_process(found[0])

    def _await_containerd(self, guardian: "subprocess.Popen[bytes]", daemons: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            if guardian.poll() is not None:
                raise ClusterFailure(f"The node ended at its start:\n{self._tail('init')}")
            if (self.state / "started").exists() and succeeds([*self._ctr(daemons), "version"]):
                return
            if time.monotonic() > deadline:
                raise ClusterFailure(f"containerd does not answer:\n{self._tail('containerd')}")
            time.sleep(0.05)

    def _tail(self, name: str) -> str:
        path = self.log / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-20:]) if path.exists() else "(no log)"

    def _ctr(self, daemons: Path) -> list[str | Path]:
        """Return the words that speak to containerd, whose socket lies in the node's file systems."""
        return ["nsenter", "-t", str(self.first_process()), "-m", "--", daemons / "ctr"]

    def import_image(self, daemons: Path, image: Image, present: Collection[str]) -> None:
        """Put an image into the node's store; layers that are `present` there need not travel again."""
        try:
            self._send(daemons, image, present)
        except ClusterFailure:
            # The store may have dropped a layer that no image used any more.
            self._send(daemons, image, ())

    def _send(self, daemons: Path, image: Image, present: Collection[str]) -> None:
        words = [str(word) for word in (*self._ctr(daemons), "-n", "k8s.io", "images", "import", "-")]
        with (self.log / "import.log").open("wb") as log:
            ctr = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
            assert ctr.stdin is not None
            with contextlib.suppress(BrokenPipeError), ctr.stdin as stream:
                ociimage.write(stream, image, present)
            if ctr.wait() != 0:
                raise ClusterFailure(f"{image.reference} was not imported:\n{self._tail('import')}")

    def open_port(self) -> int:
        """Make the API server reachable on the machine's 127.0.0.1; harmless when it is. Returns the port."""
        recorded = self.state / "port"
        if recorded.exists() and _accepts(self.port()):
            return self.port()
        listener = _listen(self.port() if recorded.exists() else PREFERRED_PORT)
        port = int(listener.getsockname()[1])
        enter = ["nsenter", "-t", str(self.first_process()), "-n", "-p", "--"]
        with (self.log / "relay.log").open("ab") as log, listener:
            # A member of the node's process tree: it ends when the node ends.
            subprocess.Popen(
                [*enter, sys.executable, str(HERE / "relay.py"), str(listener.fileno())],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        recorded.write_text(str(port))
        return port

    def stop(self) -> None:
        """End the node, whatever state it is in, and remove what it leaves."""
        for guardian in guardians.find(INIT):
            guardians.end(guardian)
        cgroups.remove_orphans()
        self._remove_mount_points()
        shutil.rmtree(self.state, ignore_errors=True)

    def _remove_mount_points(self) -> None:
        record = self.state / "mount-points.json"
        for folder in json.loads(record.read_text()) if record.exists() else []:
            try:
                os.rmdir(folder)
            except OSError:
                # Somebody else has put something there since: it is theirs now.
                continue


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _listen(port: int) -> socket.socket:
    """Listen on the port, or on a free one when another program has it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener

"""The processes that hold nodes: `unshare`, waiting for the first process of the namespaces it made.

They are found by what they run, not by a recorded number: a node is found again even when its state
folder, or the whole clone, was removed and made anew.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from .failure import ClusterFailure

PROC = Path("/proc")
END_SECONDS = 30.0


def find(init: Path, proc: Path = PROC) -> list[int]:
    """Return the process ids of the guardians of nodes whose first process runs `init`."""
    numbers = [int(folder.name) for folder in proc.iterdir() if folder.name.isdigit()]
    return sorted(number for number in numbers if str(init).encode() in _words(number, proc))


def lives(pid: int, proc: Path = PROC) -> bool:
    """Tell whether this process is a guardian that has not ended."""
    return bool(_words(pid, proc))


def _words(pid: int, proc: Path) -> list[bytes]:
    """Return the command line of a guardian; of any other process, or an ended one, nothing."""
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    return words if words[0] == b"unshare" else []


def first_process(guardian: int) -> int:
    """Return the machine's number for process 1 of the node. Raises ClusterFailure when it is gone."""
    try:
        children = (PROC / str(guardian) / "task" / str(guardian) / "children").read_text().split()
    except OSError:
        children = []
    if not children:
        raise ClusterFailure("The node is ending, or has just begun: try again.")
    return int(children[0])


def end(guardian: int) -> None:
    """End a node and wait until all that it held is gone. Raises ClusterFailure."""
    with contextlib.suppress(ProcessLookupError):
        try:
            # The guardian outlives its child, and the child, as first process, all others.
            os.kill(first_process(guardian), signal.SIGKILL)
        except ClusterFailure:
            os.kill(guardian, signal.SIGKILL)
    deadline = time.monotonic() + END_SECONDS
    while lives(guardian):
        if time.monotonic() > deadline:
            raise ClusterFailure(f"Process {guardian}, which holds the node, does not end.")
        time.sleep(0.05)

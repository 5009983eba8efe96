"""Forks operators: one Python has everything imported, each operator is a child of it that starts within milliseconds.

Reads one JSON line per operator from stdin (`environment`, `folder`, `arguments`), answers with its pid. A kill -9
of the child is the same as for an operator started by hand; what is saved is only the import of its libraries.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback

PR_SET_PDEATHSIG = 1
"""From Linux' own prctl.h: nobody outlives the nursery, even if the whole test is killed."""


def be_operator(order: dict[str, object]) -> None:
    """In the child: become `python -m moorage_operator`."""
    os.chdir(str(order["folder"]))
    log = os.open("operator.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.environ.update({str(name): str(value) for name, value in dict(order["environment"]).items()})  # type: ignore[call-overload]
    sys.argv = ["moorage_operator", *map(str, list(order["arguments"]))]  # type: ignore[call-overload]
    from moorage_operator.__main__ import main

    main()


def fork(order: dict[str, object]) -> int:
    """The pid of a new operator."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        be_operator(order)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Import the operator, then fork on demand until stdin ends."""
    import moorage_operator.__main__  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        print(fork(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()

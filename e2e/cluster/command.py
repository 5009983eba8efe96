"""Running other programs: quiet when they succeed, their last words when they do not."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .failure import ClusterFailure
from .layout import environment

LAST_WORDS = 25


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 3600,
) -> str:
    """Run a program and return its standard output.

    Raises ClusterFailure with the end of its output when it cannot be run, fails or takes too long.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment() | dict(env or {}),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterFailure(f"{words[0]} did not run: {error}") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LAST_WORDS:])
        raise ClusterFailure(f"{' '.join(words)[:300]} ended with {done.returncode}:\n{tail}")
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, timeout: float = 30) -> bool:
    """Tell whether a program can be run and ends with 0."""
    try:
        run(argv, timeout=timeout)
    except ClusterFailure:
        return False
    return True

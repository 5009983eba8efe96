"""One line per step with its seconds, and a sign of life during the long ones."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 15.0
_threads = threading.local()


def say(text: str) -> None:
    """Print one line at once, whole even when several threads speak."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(label: str, *, quiet_below: float = 0.0) -> Iterator[None]:
    """Time a step; says so each quarter of a minute while it runs and once when it is done.

    Of steps within steps the innermost speaks.
    """
    started = time.monotonic()
    done = threading.Event()
    running = _running()
    running.append(label)

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            if running[-1] == label:
                say(f"  ... {label}: {time.monotonic() - started:.0f} s so far")

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()
        running.pop()
    seconds = time.monotonic() - started
    if seconds >= quiet_below:
        say(f"  {label}: {seconds:.1f} s")


def _running() -> list[str]:
    """Return the labels of the steps that this thread is in, outermost first."""
    if not hasattr(_threads, "labels"):
        _threads.labels = []
    labels: list[str] = _threads.labels
    return labels

"""One line per step with its seconds, and a sign of life during the long ones."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 15.0


def say(text: str) -> None:
    """Print one line at once, whole even when several threads speak."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(label: str, *, quiet_below: float = 0.0) -> Iterator[None]:
    """Time a step; says so each quarter of a minute while it runs and once when it is done."""
    started = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            say(f"  ... {label}: {time.monotonic() - started:.0f} s so far")

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
    seconds = time.monotonic() - started
    if seconds >= quiet_below:
        say(f"  {label}: {seconds:.1f} s")

"""People with keys, who come again and again: which version each of them saw."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.harness.traffic import Traffic

SCRIPT = Path(__file__).with_name("voters_in_pod.py")
FOR_EVER = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """All that came back. `by_key`: how often each key got which version."""

    sent: int
    failed: int
    failures: tuple[str, ...]
    by_key: dict[str, dict[str, int]]

    @property
    def only(self) -> dict[str, str]:
        """The version of each key that always got the same one."""
        return {key: next(iter(seen)) for key, seen in self.by_key.items() if len(seen) == 1}


class Voters:
    """They come until `stop`, or until their rounds are over."""

    def __init__(
        self,
        traffic: Traffic,
        namespace: str,
        name: str,
        body: str,
        keys: Sequence[str],
        *,
        header: str,
        rounds: int = FOR_EVER,
    ) -> None:
        self.process: subprocess.Popen[str] = traffic.kubectl.start(
            "exec", "-i", "-n", traffic.namespace, "client", "--", "python3", "-c", SCRIPT.read_text()
        )
        host = f"{name}.{namespace}.svc.cluster.local"
        plan = {"host": host, "port": 80, "path": f"/v2/models/{name}/infer", "header": header, "body": body}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({**plan, "keys": list(keys), "rounds": rounds}) + "\n")
        self.process.stdin.flush()

    def stop(self, seconds: float = 60) -> Seen:
        """No more questions."""
        return self._told(*self.process.communicate("", timeout=seconds))

    def end(self, seconds: float = 60) -> Seen:
        """What they saw once their rounds are over."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return self._told(line, self.process.communicate("", timeout=seconds)[1])

    def _told(self, out: str, err: str) -> Seen:
        if not out.strip():
            raise AssertionError(f"the voters told nothing: {err}")
        told = json.loads(out.strip().splitlines()[-1])
        return Seen(told["sent"], told["failed"], tuple(told["failures"]), told["seen"])

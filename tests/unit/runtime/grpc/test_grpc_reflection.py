"""Reflection, in a process of its own: it registers descriptors that clients of other projects register too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROGRAM = """
import asyncio
from tests.unit.runtime.grpc.port import opened
from tests.unit.runtime.grpc.test_grpc_services import REFLECTION, listed
class Keys:
    epoch = 0
    def allows(self, shown):
        return shown == b"Bearer k"
async def main():
    async with opened(keys=Keys()) as port, port.channel() as channel:
        print(*await listed(channel, ("authorization", "Bearer k")))
        # Refused before it could have sent anything.
        call = channel.stream_stream(REFLECTION)()
        print((await call.code()).name)
asyncio.run(main())
"""


def test_reflection_lists_the_services_to_who_has_a_key() -> None:
    path = ":".join(map(str, (ROOT, ROOT / "runtime")))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": path, "MOORAGE_GRPC_REFLECTION": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    services, code = done.stdout.splitlines()
    assert services.split() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
    ]
    assert code == "UNAUTHENTICATED"

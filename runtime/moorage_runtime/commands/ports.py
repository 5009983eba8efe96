"""Whether the ports are free, before anything is downloaded."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from moorage_runtime.errors import RuntimeFault

OPTIONS = ("--port", "--admin-port", "--grpc-port")


class Busy(RuntimeFault):
    """A port that cannot be had."""


def check(host: str, ports: Sequence[int]) -> None:
    """Raises `Busy` naming the option that would choose another port."""
    if len(set(ports)) != len(ports):
        raise Busy("PortInUse", f"{', '.join(OPTIONS)} must differ")
    for option, port in zip(OPTIONS, ports, strict=True):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, OverflowError) as error:
                raise Busy(
                    "PortInUse", f"{host}:{port} cannot be had ({error}); choose another with {option}"
                ) from error

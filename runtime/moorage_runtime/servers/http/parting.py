"""How an idle connection is closed so that no request is lost by it, if that can be helped."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress


def part(transport: asyncio.Transport) -> None:
    """Close a connection on which nothing is under way, unless its client has just sent something.

    What lies in the kernel unread would be lost, and uvloop tells the client in a later turn only: what it sends until
    then would be too. So the kernel is asked first, and tells the client at once.
    """
    told = transport.get_extra_info("socket")
    if told is not None:
        with suppress(OSError), socket.socket(fileno=os.dup(told.fileno())) as line:
            line.setblocking(False)
            if _has_sent(line):
                return
            line.shutdown(socket.SHUT_WR)
    transport.close()


def _has_sent(line: socket.socket) -> bool:
    with suppress(BlockingIOError):
        return bool(line.recv(1, socket.MSG_PEEK))
    return False

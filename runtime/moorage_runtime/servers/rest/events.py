"""Answers in parts, as server-sent events.

    data: {"model_name": ..., "outputs": [...]}       one for each part
    event: error                                      when the answer ends early
    data: {"error": ...}

What is refused before the first part is there is an ordinary refusal, with its status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.stream import Stream
from moorage_runtime.servers.rest import faults, media
from moorage_runtime.tensors import Array

log = logging.getLogger(__name__)

Part = Mapping[str, Array]
Parts = AsyncGenerator[Part, None]
Write = Callable[[Part], bytes]
# A proxy that stores or gathers parts would undo what they are for.
_HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_BROKEN = RequestFault(500, "AnswerFailed", "the model's answer cannot be told in this protocol")


class Events:
    """The answers in parts that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, exchange: Exchange, parts: Parts, write: Write) -> None:
        """Answer with these parts, each as one line of JSON by `write`; a client that leaves ends them."""
        task = asyncio.get_running_loop().create_task(_send(exchange, parts, write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def leave() -> None:
            task.cancel()

        exchange.on_gone = leave


async def _send(exchange: Exchange, parts: Parts, write: Write) -> None:
    stream: Stream | None = None
    try:
        async with aclosing(parts):
            async for part in parts:
                event = b"data: %b\n\n" % write(part)
                stream = stream or exchange.stream(200, media.EVENTS, _HEADERS)
                if not await stream.write(event):
                    return
    except RequestFault as fault:
        await _break(exchange, stream, fault)
    except Exception:
        log.exception("answer in parts failed")
        await _break(exchange, stream, _BROKEN)
    else:
        (stream or exchange.stream(200, media.EVENTS, _HEADERS)).close()


async def _break(exchange: Exchange, stream: Stream | None, fault: RequestFault) -> None:
    if stream is None:
        faults.refuse(exchange, fault)
        return
    document = faults.document(exchange.head, fault, exchange.request_id)
    await stream.write(b"event: error\ndata: %b\n\n" % document)
    stream.close()

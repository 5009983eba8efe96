"""The doors of this pod, for requests that did not come in by them just now."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import cast

from moorage_runtime.errors import RequestFault
from moorage_runtime.routing.hooks import Question, Reply
from moorage_runtime.servers.http.answers import Answer, Parts
from moorage_runtime.servers.http.app import Route
from moorage_runtime.servers.http.exchange import Exchange
from moorage_runtime.servers.http.faults import internal
from moorage_runtime.servers.http.head import Head
from moorage_runtime.servers.http.stream import Stream
from moorage_runtime.servers.rest import deadline
from moorage_runtime.servers.rest.faults import HOP, refuse
from moorage_runtime.servers.rest.router import Router

log = logging.getLogger(__name__)


def call(route: Route, exchange: Exchange) -> None:
    """Have a route answer, as the transport does. Never raises."""
    try:
        route(exchange)
    except RequestFault as fault:
        refuse(exchange, fault)
    except Exception:
        log.exception("request failed")
        refuse(exchange, internal())


class Behind:
    """Answers exchanges, and questions, through the routes of `router`."""

    def __init__(self, router: Router, clock: Callable[[], float] = time.monotonic) -> None:
        self._router = router
        self._clock = clock

    def answer(self, exchange: Exchange) -> None:
        """Answer an exchange whose head was let in before. Never raises."""
        try:
            route = self._router.again(exchange.head)
        except RequestFault as fault:
            refuse(exchange, fault)
        else:
            call(route, exchange)

    async def ask(self, question: Question) -> Reply | None:
        """See `hooks.Ask`."""
        path, _, query = question.path.partition(b"?")
        head = Head(question.method, path, query, dict(question.headers))
        head.headers |= {deadline.HEADER: b"%.3f" % max(question.seconds, 0.001), HOP: b"1"}
        began = self._clock()
        taker = _Waiting()
        exchange = Exchange(taker, head, question.body, question.request_id, began)
        try:
            call(self._router.let_in(head), exchange)
        except RequestFault as fault:
            refuse(exchange, fault)
        try:
            answer = await taker.answered
        except asyncio.CancelledError:
            exchange.leave()
            raise
        return None if answer is None else _reply(answer, self._clock() - began)


class _Waiting:
    """Takes an answer for somebody who awaits it; one in parts is none."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def answer(self, _exchange: Exchange, answer: Answer) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)

    def stream(self, exchange: Exchange, opening: Answer) -> Stream:
        if not self.answered.done():
            self.answered.set_result(None)
        exchange.leave()
        return Stream(None, exchange, opening)


def reply_of(answer: Answer, seconds: float) -> Reply:
    """An answer of our own as a record."""
    return _reply(answer, seconds)


def _reply(answer: Answer, seconds: float) -> Reply:
    status, content, content_type, extra = answer
    body = b"".join(content.parts) if isinstance(content, Parts) else content
    # An answer of another server brings the lines that say which with its content type.
    kind, _, speaker = content_type.partition(b"\r\n")
    lines = b"%b\r\n%b" % (speaker, extra)
    headers = {b"content-type": kind} | dict(_parted(line) for line in lines.split(b"\r\n") if line)
    return Reply(status, cast(Mapping[bytes, bytes], headers), body, seconds)


def _parted(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name.lower(), value

"""A judge of the user's own: gets what is known by POST, answers `{"verdict": "Pass", "message": "..."}`.

The URL stands in a resource, so whoever may write one could make the operator call anything: only hosts that the
settings allow are called, no redirect is followed, no credential is sent, and of the answer only the two fields are
told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp

from moorage_operator.api.analysis import Webhook
from moorage_operator.api.conditions import Reason
from moorage_operator.api.duration import duration_seconds
from moorage_operator.api.judgement import Check, Verdict
from moorage_operator.bounded import read_whole
from moorage_operator.errors import SpecFault

MAX_ANSWER = 64 * 1024
MAX_MESSAGE = 300


class NoVerdictError(Exception):
    """The judge gave none; the message says why."""


def allowed(url: str, hosts: Iterable[str]) -> bool:
    """Whether `hosts` let it be called. `example.com` is that host alone, `*.example.com` every name below it, with
    `:port` only that port; without one the usual ports of http and https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or parts.username is not None or not parts.hostname:
        return False
    return any(_matches(parts, port, host) for host in hosts)


def _matches(parts: SplitResult, port: int | None, pattern: str) -> bool:
    host, _, only = pattern.lower().partition(":")
    usual = {"http": 80, "https": 443}[parts.scheme]
    if (port or usual) != (int(only) if only else usual):
        return False
    name = str(parts.hostname).rstrip(".")
    return name.endswith(host[1:]) if host.startswith("*.") else name == host


async def judge_by_webhook(
    session: aiohttp.ClientSession, hosts: Iterable[str], webhook: Webhook, known: Mapping[str, Any]
) -> Check:
    """What the judge says of `known`. Raises nothing."""
    name = webhook.name
    if not allowed(webhook.url, hosts):
        told = f"webhook {name}: the operator's settings (webhooks.allowedHosts) do not let it call {webhook.url[:200]}"
        return Check(name, Verdict.INCONCLUSIVE, message=told)
    try:
        verdict, message = await _ask(session, webhook, known)
    except NoVerdictError as error:
        return Check(name, Verdict.INCONCLUSIVE, message=f"webhook {name} {error}")
    reason = Reason.WEBHOOK_FAILED if verdict is Verdict.FAIL else None
    return Check(name, verdict, message=f"webhook {name} says {message or verdict.value}", reason=reason)


async def _ask(session: aiohttp.ClientSession, webhook: Webhook, known: Mapping[str, Any]) -> tuple[Verdict, str]:
    try:
        seconds = duration_seconds(webhook.timeout, "timeout")
        async with session.post(
            webhook.url, json=known, timeout=aiohttp.ClientTimeout(total=seconds), allow_redirects=False
        ) as answer:
            code, text = answer.status, await read_whole(answer, MAX_ANSWER) or b""
    except TimeoutError as error:
        raise NoVerdictError(f"gave no answer within {webhook.timeout}") from error
    except (aiohttp.ClientError, OSError, ValueError, SpecFault) as error:
        raise NoVerdictError(f"cannot be asked ({type(error).__name__})") from error
    if code != 200:
        raise NoVerdictError(f"answered {code}")
    return _verdict(text)


def _verdict(text: bytes) -> tuple[Verdict, str]:
    try:
        data = json.loads(text)
        told = Verdict(data["verdict"])
        message = str(data.get("message") or "")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise NoVerdictError('gave no {"verdict": "Pass", "Fail" or "Inconclusive"}') from error
    return told, " ".join(message.split())[:MAX_MESSAGE]

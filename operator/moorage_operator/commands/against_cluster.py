"""One resource of a file against the one in the cluster: which objects would change, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Body, Key
from moorage_operator.cluster.server import ApiServer
from moorage_operator.commands.comparison import Pair, pairs, projected
from moorage_operator.commands.live import Live, applied, look
from moorage_operator.commands.meaning import Known, meaning
from moorage_operator.commands.report import Report
from moorage_operator.commands.steady import children
from moorage_operator.commands.story import Version, renamed, story
from moorage_operator.commands.visitors import visitors
from moorage_operator.endpoints import Endpoints
from moorage_operator.plan.changes import ref_of
from moorage_operator.plan.difference import difference
from moorage_operator.settings import Settings


async def compared(api: ApiServer, wished: ModelDeployment, said: Known, settings: Settings, now: datetime) -> Report:
    """The report. Raises ApiError, Refused for an alias that nobody explains, and Fault as the operator tells it."""
    live = await look(api, Key(wished.metadata.namespace, wished.metadata.name), now)
    owner = wished if live is None else _adopted(wished, live.owner)
    new = _version(owner, said, settings)
    objects = _objects(new, settings, live)
    if live is None:
        return Report(owner, story(None, new), [Pair(None, body) for body in objects])
    old = _version(live.owner, said, settings)
    found = await _pairs(api, live, objects, {**old.roles, **new.roles})
    return Report(owner, story(old, new), found, renamed(old, new))


def _version(owner: ModelDeployment, said: Known, settings: Settings) -> Version:
    return Version(owner, meaning(owner, said, settings).resolved, visitors(owner, said, settings))


def _objects(version: Version, settings: Settings, live: Live | None) -> list[dict[str, Any]]:
    endpoints = Endpoints.of_settings(settings)
    return children(
        version.owner,
        version.resolved,
        settings.defaults(),
        endpoints.of(version.owner, version.resolved),
        beside=[(each, endpoints.of(each.owner, each.resolved)) for each in version.company],
        born=live.born if live is not None else None,
        routed=live.routed if live is not None else None,
    )


def _adopted(wished: ModelDeployment, live: ModelDeployment) -> ModelDeployment:
    """The spec of the file on the object of the cluster."""
    return live.model_copy(update={"spec": wished.spec})


async def _pairs(api: ApiServer, live: Live, objects: Sequence[Body], roles: Mapping[str, str]) -> list[Pair]:
    kept = {ref_of(body) for body in objects}
    gone = [body for ref, body in live.children.items() if ref not in kept]
    changed = [body for body in objects if difference(live.children.get(ref_of(body)), body) is not None]
    news = [body for body in changed if ref_of(body) not in live.children]
    again = [await _once_more(api, live, body) for body in changed if ref_of(body) in live.children]
    # The objects of the next revision are compared with those of the last, of which only what we wish for matters.
    return [*again, *(_seen(pair) for pair in pairs(gone, news, roles))]


async def _once_more(api: ApiServer, live: Live, body: Body) -> Pair:
    before = live.children[ref_of(body)]
    after = await applied(api, body)
    if after is None:
        return Pair(projected(before, body), body)
    return Pair(before, after)


def _seen(pair: Pair) -> Pair:
    if pair.old is None or pair.new is None:
        return pair
    return Pair(projected(pair.old, pair.new), pair.new)

"""One resource of a file against the one in the cluster: which objects would change, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Body, Key
from moorage_operator.cluster.server import ApiServer
from moorage_operator.commands.comparison import Pair, pairs, projected
from moorage_operator.commands.live import Live, applied, look
from moorage_operator.commands.meaning import Known, meaning
from moorage_operator.commands.report import Report
from moorage_operator.commands.steady import children
from moorage_operator.commands.story import Version, renamed, story
from moorage_operator.endpoints import Endpoints
from moorage_operator.plan.changes import ref_of
from moorage_operator.plan.difference import difference
from moorage_operator.settings import Settings


async def compared(api: ApiServer, wished: ModelDeployment, said: Known, settings: Settings, now: datetime) -> Report:
    """The report. Raises ApiError, Refused for an alias that nobody explains, and Fault as the operator tells it."""
    live = await look(api, Key(wished.metadata.namespace, wished.metadata.name), now)
    owner = wished if live is None else _adopted(wished, live.owner)
    resolved = meaning(owner, said, settings).resolved
    endpoint = Endpoints.of_settings(settings).of(owner, resolved)
    new = Version(owner, resolved)
    if live is None:
        objects = children(owner, resolved, settings.defaults(), endpoint)
        return Report(owner, story(None, new), [Pair(None, body) for body in objects])
    objects = children(owner, resolved, settings.defaults(), endpoint, born=live.born, routed=live.routed)
    old = Version(live.owner, meaning(live.owner, said, settings).resolved)
    return Report(owner, story(old, new), await _pairs(api, live, objects), renamed(old, new))


def _adopted(wished: ModelDeployment, live: ModelDeployment) -> ModelDeployment:
    """The spec of the file on the object of the cluster."""
    return live.model_copy(update={"spec": wished.spec})


async def _pairs(api: ApiServer, live: Live, objects: Sequence[Body]) -> list[Pair]:
    kept = {ref_of(body) for body in objects}
    gone = [body for ref, body in live.children.items() if ref not in kept]
    changed = [body for body in objects if difference(live.children.get(ref_of(body)), body) is not None]
    news = [body for body in changed if ref_of(body) not in live.children]
    again = [await _once_more(api, live, body) for body in changed if ref_of(body) in live.children]
    # The objects of the next revision are compared with those of the last, of which only what we wish for matters.
    return [*again, *(_seen(pair) for pair in pairs(gone, news))]


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

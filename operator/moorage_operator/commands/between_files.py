"""The resources of one file against those of another."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Body
from moorage_operator.commands.chosen_settings import or_silent
from moorage_operator.commands.comparison import Pair, pairs
from moorage_operator.commands.meaning import Known, meaning
from moorage_operator.commands.report import Report
from moorage_operator.commands.steady import children
from moorage_operator.commands.story import Version, renamed, story
from moorage_operator.commands.visitors import visitors
from moorage_operator.endpoints import Endpoints
from moorage_operator.settings import Settings


def between(
    old: Iterable[ModelDeployment], new: Iterable[ModelDeployment], said: Known, settings: Settings | None
) -> list[Report]:
    """A report for each resource of either file. An unknown version is the same one wherever the URI is the same.

    Raises Fault for what the settings cannot give.
    """
    before, after = ({_key(each): each for each in owners} for owners in (old, new))
    found = (_report(before.get(key), after.get(key), said, settings) for key in {**before, **after})
    return [report for report in found if report is not None]


def _key(owner: ModelDeployment) -> tuple[str, str]:
    return owner.metadata.namespace, owner.metadata.name


def _report(
    old: ModelDeployment | None, new: ModelDeployment | None, said: Known, settings: Settings | None
) -> Report | None:
    before = _version(old, said, settings) if old is not None else None
    after = _version(new, said, settings) if new is not None else None
    known = _objects(before, settings) if before is not None else []
    if after is not None:
        roles = {**(before.roles if before is not None else {}), **after.roles}
        found = pairs(known, _objects(after, settings), roles)
        return Report(after.owner, story(before, after), found, renamed(before, after))
    if before is None:
        return None
    return Report(before.owner, ["is gone, and its objects with it"], [Pair(each, None) for each in known])


def _version(owner: ModelDeployment, said: Known, settings: Settings | None) -> Version:
    company = visitors(owner, said, settings, by_uri=True)
    return Version(owner, meaning(owner, said, settings, by_uri=True).resolved, company)


def _objects(version: Version, settings: Settings | None) -> list[Body]:
    used = or_silent(settings)
    endpoints = Endpoints.of_settings(used)
    beside = [(each, endpoints.of(each.owner, each.resolved)) for each in version.company]
    endpoint = endpoints.of(version.owner, version.resolved)
    return list(children(version.owner, version.resolved, used.defaults(), endpoint, beside=beside))

"""Two sets of objects side by side, as unified diffs of YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

import yaml

from moorage_operator.api.records import Body
from moorage_operator.names import CONTENT_ANNOTATION, REVISION_LABEL

OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")

NO_ROLES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Pair:
    """One object before and after; None: it is not there."""

    old: Body | None
    new: Body | None


def pairs(old: Iterable[Body], new: Iterable[Body], roles: Mapping[str, str] = NO_ROLES) -> list[Pair]:
    """The objects that stand for each other: those of one revision are compared with those of the next. `roles`: by
    revision, of those that stand beside the one that serves.
    """
    before, after = ({_role(body, roles): body for body in bodies} for bodies in (old, new))
    order = {**after, **before}
    return [Pair(before.get(role), after.get(role)) for role in order]


def text_of(pair: Pair, renamed: Iterable[tuple[str, str]] = ()) -> str:
    """The unified diff; empty when both say the same. `renamed`: revisions and those that follow, whose names differ in
    every object and say nothing about it.
    """
    before = _text(pair.old)
    for old, new in renamed if pair.new is not None else ():
        before = before.replace(old, new)
    titles = (_title(pair.old), _title(pair.new))
    lines = unified_diff(before.splitlines(), _text(pair.new).splitlines(), *titles, n=3, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def projected(live: Any, wished: Any) -> Any:
    """Of what is live only what is wished for: the rest belongs to the server, or to others."""
    if isinstance(live, Mapping) and isinstance(wished, Mapping):
        return {name: projected(value, wished[name]) for name, value in live.items() if name in wished}
    if isinstance(live, list) and isinstance(wished, list) and len(live) == len(wished):
        return [projected(one, other) for one, other in zip(live, wished, strict=True)]
    return live


def _role(body: Body, roles: Mapping[str, str]) -> tuple[str, str]:
    """Kind and name, the revision's hash taken out of it, or replaced by what it is there for."""
    metadata = body["metadata"]
    revision = (metadata.get("labels") or {}).get(REVISION_LABEL)
    name = str(metadata["name"])
    return body["kind"], f"{name.removesuffix(f'-{revision}')}-{roles.get(revision, '')}" if revision else name


def _title(body: Body | None) -> str:
    return "/dev/null" if body is None else f"{body['kind']}/{body['metadata']['name']}"


def _text(body: Body | None) -> str:
    return "" if body is None else yaml.dump(_clean(body), Dumper=_Plain, width=110, allow_unicode=True)


def _clean(body: Body) -> dict[str, Any]:
    """Without what no person chose, or what stands in another object as well."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in OF_THE_SERVER}
    annotations = {
        key: value for key, value in (metadata.get("annotations") or {}).items() if key != CONTENT_ANNOTATION
    }
    kept = {name: value for name, value in body.items() if name not in ("status", "metadata")}
    if body["kind"] == "ControllerRevision":
        kept["data"] = {name: value for name, value in kept["data"].items() if name != "template"}
    return {**_opened(kept), "metadata": {**metadata, "annotations": annotations}}


def _opened(value: Any) -> Any:
    """JSON inside of text as what it says, so that one changed field is one changed line."""
    if isinstance(value, Mapping):
        return {name: _opened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if not isinstance(value, str) or not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


class _Plain(yaml.SafeDumper):
    """No anchors: a diff shows each part where it stands."""

    def ignore_aliases(self, _data: Any) -> bool:
        """PyYAML's hook."""
        return True

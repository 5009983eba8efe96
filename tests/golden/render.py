"""CR in, objects and status out. `python -m tests.golden.render` writes every out.yaml anew; the diff is the review."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from tests.rollout.small_cluster import Object, SmallCluster

from moorage_operator.api.records import CacheServer

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/in.yaml"))


class Literal(yaml.SafeDumper):
    """No anchors: every object of an out.yaml can be read by itself."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def render(case: str) -> str:
    """The out.yaml of a case: what was applied last of each child, and the status."""
    given = yaml.safe_load((HERE / case / "in.yaml").read_text())
    cluster = SmallCluster(owner=given["cr"], version=given["version"])
    cluster.defaults = replace(cluster.defaults, **_settings(given.get("defaults") or {}))
    cluster.run(given["seconds"])
    for then in given.get("then") or ():
        cluster.version = then.get("version", cluster.version)
        if "spec" in then:
            cluster.edit(**then["spec"])
        cluster.run(then["seconds"])
    return yaml.dump_all([*_applied(cluster), {"status": cluster.status}], Dumper=Literal, sort_keys=True, width=110)


def _applied(cluster: SmallCluster) -> list[Object]:
    return [body for _, body in sorted(cluster.wishes().items(), key=lambda item: (item[0].kind, item[0].name))]


def _settings(defaults: Object) -> dict[str, Any]:
    caches = {name: CacheServer(**each) for name, each in defaults.pop("caches", {}).items()}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in defaults.items()} | (
        {"caches": caches} if caches else {}
    )


def main() -> None:
    """Write every out.yaml anew."""
    for case in CASES:
        (HERE / case / "out.yaml").write_text(render(case))


if __name__ == "__main__":
    main()

"""`python3 -m e2e.cluster up|down|images|status|preflight`, from the top of the repository.

Ends with 0 when it is done, 1 when something failed, 2 when this machine lacks what is needed.
"""

import argparse
import os
import platform
import sys
import time

from . import kind, preflight
from .cache import Cache, locked
from .failure import ClusterFailure
from .kind import Kind
from .layout import Layout, discover
from .ownnode import OwnNode
from .progress import say

VERBS = {
    "up": "bring the cluster up; harmless when it is",
    "down": "end the cluster and remove what it leaves",
    "images": "build the project's images, and give them to the running cluster",
    "status": "say whether the cluster runs",
    "preflight": "say what this machine lacks",
}


def main(words: list[str]) -> int:
    """Run one verb and return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m e2e.cluster", description="A local Kubernetes cluster.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, purpose in VERBS.items():
        verbs.add_parser(verb, help=purpose)
    verb = parser.parse_args(words).verb
    layout = discover(os.environ)
    docker = kind.docker_runs()
    if missing := kind.problems() if docker else _problems(verb, layout):
        sys.stderr.write("\n".join(missing) + "\n")
        return 2
    return _act(verb, Kind(layout) if docker else OwnNode(layout), layout)


def _problems(verb: str, layout: Layout) -> list[str]:
    if verb in ("down", "status"):
        return preflight.problems_of_ending(os.geteuid() == 0)
    return preflight.problems(preflight.look(layout, Cache(layout.cache)))


def _act(verb: str, cluster: Kind | OwnNode, layout: Layout) -> int:
    started = time.monotonic()
    if verb == "preflight":
        say(f"Nothing is missing on this {platform.system()} machine.")
        return 0
    if verb == "status":
        return 0 if cluster.status() else 1
    with locked(layout.local / "cluster.lock"):
        {"up": cluster.up, "down": cluster.down, "images": cluster.images}[verb]()
    say(f"{verb}: done in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    # What is unpacked and built here is for other users inside containers, too.
    os.umask(0o022)
    try:
        sys.exit(main(sys.argv[1:]))
    except ClusterFailure as failure:
        sys.stderr.write(f"{failure}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

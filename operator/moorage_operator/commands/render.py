"""Print the Kubernetes objects that the operator makes of resources, without a cluster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import yaml

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.commands import chosen_settings
from moorage_operator.commands import meaning as meanings
from moorage_operator.commands.meaning import UNKNOWN_URI, Meaning, meaning
from moorage_operator.commands.problem import Refused
from moorage_operator.commands.resources import NO_UID, resources
from moorage_operator.commands.steady import children
from moorage_operator.commands.visitors import Visitor, visitors
from moorage_operator.endpoints import Endpoints
from moorage_operator.errors import Fault
from moorage_operator.settings import Settings

DONE, REFUSED = 0, 2


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 printed, 2 refused; then nothing is printed."""
    asked = _parser().parse_args(arguments)
    try:
        chosen = chosen_settings.settings(asked)
        said = meanings.known(asked)
        owners = resources(asked.file, asked.namespace)
        meant = [(each, meaning(each, said, chosen), visitors(each, said, chosen)) for each in owners]
        used = chosen_settings.or_told(chosen)
        pages = [rendered(*each, used) for each in meant]
    except (Refused, Fault) as refused:
        sys.stderr.write(f"moorage render: {refused}\n")
        return REFUSED
    sys.stdout.write("".join(pages))
    return DONE


def rendered(owner: ModelDeployment, meant: Meaning, company: Sequence[Visitor], settings: Settings) -> str:
    """The children as YAML, under a comment on what they are of. Raises Fault for what the settings cannot give."""
    endpoints = Endpoints.of_settings(settings)
    beside = [(each, endpoints.of(each.owner, each.resolved)) for each in company]
    endpoint = endpoints.of(owner, meant.resolved)
    objects = children(owner, meant.resolved, settings.defaults(), endpoint, beside=beside)
    return _head(owner, meant, company) + yaml.dump_all(
        objects, Dumper=_Plain, sort_keys=False, width=120, explicit_start=True, allow_unicode=True
    )


def _head(owner: ModelDeployment, meant: Meaning, company: Sequence[Visitor]) -> str:
    metadata, resolved = owner.metadata, meant.resolved
    lines = [f"ModelDeployment {metadata.namespace}/{metadata.name}, serving version {resolved.version}."]
    lines += [f"Beside it: {each.called}, version {each.resolved.version}, {each.revision}." for each in company]
    if meant.guessed or any(each.guessed for each in company):
        lines.append(f"Where the registry keeps it was not said (--artifact-uri): {UNKNOWN_URI}")
        lines.append("stands in its place, and the names that end in a hash will be others.")
    if metadata.uid == NO_UID:
        lines.append("Left out, because only the cluster knows it: the owner's uid. Added once a pod has reported: the")
        lines.append("digest and the address in the route table, whose generation grows with every change.")
    return "".join(f"# {line}\n" for line in lines)


class _Plain(yaml.SafeDumper):
    """No anchors: every object can be read by itself."""

    def ignore_aliases(self, _data: Any) -> bool:
        """PyYAML's hook."""
        return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage render",
        description="Print the Kubernetes objects that the operator makes of each ModelDeployment once it serves.",
        epilog="A file from `kubectl get mdep NAME -o yaml` holds what the registry said, and the owner's uid.",
    )
    parser.add_argument("file", metavar="FILE", help="a YAML file, or - for the standard input")
    parser.add_argument("--namespace", "-n", default="default", help="of resources that name none (default: default)")
    chosen_settings.add_option(parser)
    meanings.add_options(parser)
    return parser

"""What a storageUri means when no registry is asked: what the URI itself says, and what the caller knows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Resolved
from moorage_operator.api.storage_uri import S3, Registered, StorageUri, parse_storage_uri
from moorage_operator.commands.problem import Refused
from moorage_operator.registry.unasked import as_it_stands, unknown
from moorage_operator.settings import Settings

UNKNOWN_URI = "mlflow-artifacts:/ask-the-registry"
EVERY = ""
_GIVEN = re.compile(r"(?:([a-z][-a-z0-9]*(?:/[a-z][-a-z0-9]*)?)=)?(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller says of the registry's answers, by the name of the resource, of one of its guests, or `EVERY`."""

    versions: Mapping[str, str]
    artifacts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """`guessed`: where the registry keeps the artifact is not known, so that the revision's name is not its last."""

    resolved: Resolved
    guessed: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options by which the caller says what a registry would."""
    parser.add_argument(
        "--model-version",
        action="append",
        default=[],
        metavar="[NAME=]VERSION",
        help="what an alias or a stage means; with NAME for one of several resources, with NAME/ARM or NAME/shadow for "
        "a model beside spec.model",
    )
    parser.add_argument(
        "--artifact-uri",
        action="append",
        default=[],
        metavar="[NAME=]URI",
        help="where the registry keeps that version (status.model.artifactUri); the revision's name depends on it",
    )


def known(asked: argparse.Namespace) -> Known:
    """What the options said."""
    return Known(_by_name(asked.model_version), _by_name(asked.artifact_uri))


def _by_name(given: Sequence[str]) -> dict[str, str]:
    found = (_GIVEN.fullmatch(each) for each in given)
    return {match[1] or EVERY: match[2] for match in found if match is not None}


def meaning(
    owner: ModelDeployment, said: Known, settings: Settings | None = None, *, by_uri: bool = False, guest: str = ""
) -> Meaning:
    """What the resource means. A status that speaks of this very storageUri is believed. `by_uri`: what nobody says is
    called by the URI, which is enough to tell two resources apart. `guest`: whose model it is, beside the resource's.

    Raises Refused for an alias or a stage of which nobody says what it means, and RegistryFault for a registry or store
    that `settings` lack.
    """
    model, told = owner.spec.model, owner.status.model
    wanted = parse_storage_uri(model.storage_uri)
    if settings is not None:
        check_name(wanted, model.registry, settings)
    if not isinstance(wanted, Registered):
        return Meaning(as_it_stands(wanted, model.storage_uri, model.registry))
    if told is not None and (told.storage_uri, told.registry) == (model.storage_uri, model.registry):
        return Meaning(Resolved(**told.model_dump()))
    name = f"{owner.metadata.name}/{guest}" if guest else owner.metadata.name
    version = wanted.version or _said(said.versions, name) or (wanted.alias or wanted.stage if by_uri else None)
    if version is None:
        option = f"--model-version {name}=VERSION" if guest else "--model-version"
        raise Refused(
            f"{name}: only the registry knows which version {model.storage_uri} is; say it with {option}, and with "
            "--artifact-uri where it lies"
        )
    uri = _said(said.artifacts, name)
    return Meaning(Resolved(model.storage_uri, version, uri or UNKNOWN_URI, model.registry), guessed=uri is None)


def _said(given: Mapping[str, str], name: str) -> str | None:
    """What is said of every resource is said of no guest."""
    return given.get(name, None if "/" in name else given.get(EVERY))


def check_name(wanted: StorageUri, name: str, settings: Settings) -> None:
    """Raises RegistryFault when the settings have no such registry, or no such store."""
    if isinstance(wanted, Registered) and name not in settings.registries:
        raise unknown("registry", name, settings.registries)
    stores = {"default", *settings.stores, *settings.registries}
    if isinstance(wanted, S3) and name not in stores:
        raise unknown("store", name, stores)

"""The machine's own pip settings, gathered for the time of an image build.

Which package index a machine uses, and which authorities it trusts, is its own affair: it is mounted
into the first stages of a build and is in no image.
"""

import configparser
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OPTIONS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "cert",
    "client-cert",
    "proxy",
    "timeout",
)
PATH_OPTIONS = ("find-links", "cert", "client-cert")


@dataclass(frozen=True)
class PipSettings:
    """A configuration file's text, and the paths of this machine that it names."""

    text: str
    paths: tuple[str, ...]

    def beneath(self, folder: str) -> str:
        """Return the text for a root where the machine's paths lie under `folder`."""
        text = self.text
        for path in sorted(self.paths, key=len, reverse=True):
            text = re.sub(rf"(?<=\s){re.escape(path)}(?=\s)", folder + path, text)
        return text


def gather(files: Sequence[str], environ: Mapping[str, str]) -> PipSettings:
    """Merge the texts of pip's files, later ones winning, and its PIP_... variables, which win over all."""
    merged: dict[str, str] = {}
    for text in files:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        for section in ("global", "install"):
            if parser.has_section(section):
                merged |= dict(parser.items(section))
    for option in OPTIONS:
        value = environ.get("PIP_" + option.upper().replace("-", "_")) or environ.get(
            "PIP_DEFAULT_TIMEOUT" if option == "timeout" else "", ""
        )
        if value:
            merged[option] = value
    kept = {option: merged[option] for option in OPTIONS if merged.get(option)}
    return PipSettings(_write(kept), _local_paths(kept))


def _write(options: Mapping[str, str]) -> str:
    # Several values stand on several lines, the later ones indented.
    lines = [f"{name} = " + "\n    ".join(value.split()) + "\n" for name, value in options.items()]
    return "".join(["[global]\n", *lines])


def _local_paths(options: Mapping[str, str]) -> tuple[str, ...]:
    words = [word for name in PATH_OPTIONS for word in options.get(name, "").split()]
    return tuple(dict.fromkeys(word for word in words if word.startswith("/")))


def of_machine(environ: Mapping[str, str]) -> PipSettings:
    """Read what pip on this machine would read."""
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = [Path("/etc/pip.conf"), home / ".pip/pip.conf", config / "pip/pip.conf"]
    if chosen := environ.get("PIP_CONFIG_FILE"):
        places.append(Path(chosen))
    files = [place.read_text() for place in places if place.is_file()]
    settings = gather(files, environ)
    return PipSettings(settings.text, tuple(path for path in settings.paths if os.path.exists(path)))

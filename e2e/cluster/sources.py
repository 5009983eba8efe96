"""The machine's own Debian sources, re-read for another release.

A mirror's address belongs to the machine: it is read at each run and never written into the project.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .failure import ClusterFailure


@dataclass(frozen=True)
class Source:
    """One `deb` line: where packages of one suite come from."""

    uri: str
    suite: str
    components: str
    signed_by: str = ""

    def line(self) -> str:
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {self.suite} {self.components}"


def parse(text: str) -> list[Source]:
    """Read either format of apt's sources: stanzas (deb822) or one line per source."""
    return list(_stanzas(text) if re.search(r"^URIs:", text, re.M | re.I) else _lines(text))


def _lines(text: str) -> Iterator[Source]:
    pattern = re.compile(r"^\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)[ \t]+([^#\n]+)", re.M)
    for options, uri, suite, components in pattern.findall(text):
        signed = re.search(r"signed-by=(\S+)", options)
        yield Source(uri, suite, components.strip(), signed[1] if signed else "")


def _stanzas(text: str) -> Iterator[Source]:
    visible = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", visible):
        fields = {k.lower(): v.strip() for k, v in re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.M)}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes") == "no":
            continue
        signed = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, fields.get("components", ""), signed)


def for_release(sources: Iterable[Source], codename: str, wanted: str) -> list[Source]:
    """Keep the sources of Debian release `codename` itself, turned to release `wanted`.

    Raises ClusterFailure when there is none.
    """
    suites = {codename, f"{codename}-updates", f"{codename}-security", f"{codename}/updates"}
    kept = [
        Source(s.uri, s.suite.replace(codename, wanted, 1), s.components, s.signed_by)
        for s in sources
        if s.suite in suites and "main" in s.components.split()
    ]
    if not kept:
        raise ClusterFailure(f"apt's sources name no Debian {codename} to take packages from.")
    return kept


def of_machine(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Read all the sources that apt on this machine uses."""
    files = [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]
    files = [f for f in files if f.is_file() and f.suffix in (".list", ".sources")]
    return [source for f in files for source in parse(f.read_text())]


def text(sources: Iterable[Source]) -> str:
    """Write sources in the one-line format."""
    return "".join(source.line() + "\n" for source in sources)

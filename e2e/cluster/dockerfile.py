"""Reading a Dockerfile: the few instructions that the project's images are written with.

An instruction that is not understood here is refused, never skipped: what this builder makes of a
file must be what Docker makes of it.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .failure import ClusterFailure

UNDERSTOOD = ("RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT")


@dataclass(frozen=True)
class Instruction:
    """One line, continuations joined: `COPY`, `a b /there`."""

    word: str
    text: str


@dataclass(frozen=True)
class Stage:
    """What stands from one FROM to the next; `base` is an image or the name of an earlier stage."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Copy:
    """A COPY taken apart; without `stage` the sources lie in the repository."""

    sources: tuple[str, ...]
    target: str
    stage: str


def parse(text: str, arguments: Mapping[str, str]) -> tuple[Stage, ...]:
    """Return the stages, the last one being the image. Raises ClusterFailure for what is not understood."""
    values: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.word == "ARG" and not stages:
            name, _, default = instruction.text.partition("=")
            values[name] = arguments.get(name, default)
        elif instruction.word == "FROM":
            stages.append(_stage(instruction.text, values, len(stages)))
        elif instruction.word in UNDERSTOOD and stages:
            last = stages[-1]
            stages[-1] = Stage(last.name, last.base, (*last.instructions, instruction))
        else:
            raise ClusterFailure(f"This Dockerfile instruction is not understood: {instruction.word}")
    if not stages:
        raise ClusterFailure("A Dockerfile without FROM makes no image.")
    return tuple(stages)


def _instructions(text: str) -> Iterator[Instruction]:
    visible = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for line in visible.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield Instruction(word.upper(), " ".join(rest.split()) if word.upper() != "RUN" else rest.strip())


def _stage(text: str, values: Mapping[str, str], number: int) -> Stage:
    found = re.fullmatch(r"(\S+)(?:\s+[Aa][Ss]\s+(\S+))?", text)
    if found is None:
        raise ClusterFailure(f"This FROM is not understood: {text}")
    base = re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), found[1])
    return Stage(found[2] or str(number), base, ())


def copy(text: str) -> Copy:
    """Take apart the words of a COPY. Raises ClusterFailure for a flag other than --from."""
    *flags, last = [word for word in text.split() if word.startswith("--")] or [""]
    if flags or not (last == "" or last.startswith("--from=")):
        raise ClusterFailure(f"Of COPY's flags only --from is understood: {text}")
    *sources, target = [word for word in text.split() if not word.startswith("--")]
    if not sources or not target.startswith("/"):
        raise ClusterFailure(f"COPY needs sources and an absolute target: {text}")
    return Copy(tuple(sources), target, last.removeprefix("--from="))


def environment(text: str) -> tuple[str, ...]:
    """Return the NAME=value pairs of an ENV."""
    pairs = tuple(shlex.split(text))
    if not all("=" in pair for pair in pairs) or "$" in text:
        raise ClusterFailure(f"ENV is understood as NAME=value without variables: {text}")
    return pairs


def entrypoint(text: str) -> tuple[str, ...]:
    """Return the words of an ENTRYPOINT written as a JSON list."""
    try:
        words = json.loads(text)
    except ValueError as error:
        raise ClusterFailure(f"ENTRYPOINT is understood as a JSON list: {text}") from error
    return tuple(str(word) for word in words)

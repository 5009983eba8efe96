"""YAML as people write it: every document as plain data, and where in the file each value stands."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Where = tuple[str | int, ...]
"""The way from the top of a document to a value: keys and indexes."""

STDIN = "-"
MAX_DEPTH = 64
MAX_NODES = 200_000
_BOOLEAN = "tag:yaml.org,2002:bool"
_BOOLEANS = yaml.SafeLoader.bool_values


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, both counted from 1."""

    line: int
    column: int


class Unreadable(Exception):
    """The file cannot be read, or is not YAML. `place`: where it stops making sense."""

    def __init__(self, file: str, place: Place, message: str) -> None:
        super().__init__(f"{file}:{place.line}:{place.column}: {message}")
        self.file = file
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. `places`: of every value that it holds; `repeated`: keys that stand twice in one map."""

    file: str
    data: Any
    places: Mapping[Where, Place]
    repeated: tuple[Where, ...] = ()

    def place(self, where: Where) -> Place:
        """Where a value stands, or the nearest thing around it that is there."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, Place(1, 1))


def read(file: str) -> list[Document]:
    """Every document of a file, or of the standard input (`-`), that is not empty. Raises Unreadable."""
    try:
        text = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        return list(_documents(_name(file), text.decode()))
    except OSError as error:
        raise Unreadable(_name(file), Place(1, 1), str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise Unreadable(_name(file), Place(1, 1), f"byte {error.start} is not UTF-8") from error


def _name(file: str) -> str:
    return "<stdin>" if file == STDIN else file


def _documents(file: str, text: str) -> Iterator[Document]:
    try:
        loader = _Loader(text)
    except yaml.YAMLError as error:
        raise _unreadable(file, error) from error
    try:
        while loader.check_node():
            node = loader.get_node()
            walk = _Walk(file)
            walk.note(node, ())
            data = _plain(loader.construct_document(node))
            if data is not None:
                yield Document(file, data, walk.places, tuple(walk.repeated))
    except yaml.YAMLError as error:
        raise _unreadable(file, error) from error
    finally:
        loader.dispose()


def _unreadable(file: str, error: yaml.YAMLError) -> Unreadable:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return Unreadable(file, _place(mark) if mark is not None else Place(1, 1), f"not YAML: {problem}")


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


class _Loader(yaml.SafeLoader):
    """As kubectl reads YAML: a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Walk:
    """Notes the place of every value, before anything is made of it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._seen = 0
        self.places: dict[Where, Place] = {}
        self.repeated: list[Where] = []

    def note(self, node: Any, where: Where) -> None:
        """Note a node and all below it. Raises Unreadable for what is nested or repeated beyond all measure."""
        self._seen += 1
        if len(where) > MAX_DEPTH or self._seen > MAX_NODES:
            raise Unreadable(self._file, _place(node.start_mark), "too deep, too large, or an alias of itself")
        self.places.setdefault(where, _place(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, where)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.note(item, (*where, index))

    def _mapping(self, node: yaml.MappingNode, where: Where) -> None:
        for key, value in node.value:
            here = (*where, _spelled(key))
            if here in self.places:
                self.repeated.append(here)
            self.places[here] = _place(key.start_mark)
            self.note(value, here)


def _plain(value: Any) -> Any:
    """JSON has no other keys than text."""
    if isinstance(value, dict):
        return {_key(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _spelled(key: yaml.Node) -> str:
    """The key as `_plain` will spell it: `on:` is a boolean to YAML 1.1."""
    if not isinstance(key, yaml.ScalarNode):
        return "?"
    return _key(_BOOLEANS.get(key.value.lower(), key.value)) if key.tag == _BOOLEAN else str(key.value)


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)

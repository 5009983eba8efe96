"""Everything that is wrong with a request, in the client's own words; slow, for requests that are not simply right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage_runtime.codecs.features import values
from moorage_runtime.codecs.features.question import REQUEST_ID_CHARACTERS, Options
from moorage_runtime.codecs.slices import Body
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import Feature

INVALID = "InvalidFeatures"
MALFORMED = "MalformedJSON"
TOLD = 20
# Rows that are looked at behind the first wrong one: the loop has other clients too.
_LOOKED_AT = 200
_ROW = re.compile(r" - at `\$\.rows\[(\d+)\]").search
# Looking for a name that was meant takes milliseconds: few times in one request, among not too many.
_SUGGESTIONS = 2
_SUGGESTED_FROM = 100
_NAME = 80
_GREAT_BYTES = 64 << 10
# A document of more keys is refused for its first unknown one.
_MANY_KEYS = 1000
_KEYS = ("features", "rows", "options", "parameters")
_UNKNOWN = 'is unknown; send "features" or "rows", and "options"'
# The first key's beginning, and what is behind it: where that is no quote, it is longer than any that is known.
_FIRST_KEY = re.compile(rb'[ \t\r\n]{0,64}+\{[ \t\r\n]{0,64}+"([^"\\]{0,128}+)(.)', re.DOTALL).match
_outline = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_unknown_field = re.compile(r"unknown field `(.*)`$", re.DOTALL).search
_Part = msgspec.Raw | msgspec.UnsetType

Rows = list[tuple[Any, ...]]


class _Known(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    features: _Part = msgspec.UNSET
    rows: _Part = msgspec.UNSET
    options: _Part = msgspec.UNSET
    parameters: _Part = msgspec.UNSET


_known = msgspec.json.Decoder(_Known).decode


class _Enough(Exception):
    """More problems were found than are told."""


class _Problems:
    def __init__(self) -> None:
        self.found: list[str] = []
        self._suggested = 0

    def add(self, path: str, what: str) -> None:
        if len(self.found) == TOLD:
            raise _Enough
        self.found.append(f"{path}: {what}")

    def add_extra(self, path: str, name: str, features: Mapping[str, Feature]) -> None:
        near: Sequence[str] = ()
        if self._suggested < _SUGGESTIONS and len(features) <= _SUGGESTED_FROM and len(name) <= _NAME:
            from difflib import get_close_matches

            self._suggested += 1
            near = get_close_matches(name, features, 1)
        self.add(path, f"is no feature of this model{f'; is {quoted(near[0])} meant?' if near else ''}")


def first_wrong(error: msgspec.ValidationError) -> int:
    """The row that msgspec stumbled over; those before it are right."""
    found = _ROW(str(error))
    return int(found[1]) if found else 0


def read(body: bytes, features: Sequence[Feature], first: int) -> tuple[Rows, bool, Options]:
    """The rows of a body, each as the model's values in the features' order, whether there is one only, the options.

    `first`: the first row that may be wrong. Raises `RequestFault` 400 for what is no JSON or says a thing twice, 422
    with the problems, up to `TOLD`.
    """
    by_name = {feature.name: feature for feature in features}
    if len(body) > _GREAT_BYTES:
        _glance(body, by_name)
    document = _parsed(body)
    _checked(document, by_name, slice(first, first + _LOOKED_AT))
    told = _checked(document, by_name, slice(None))
    refuse_repeated(body)
    return told


def wrong_rows(part: bytes, features: Sequence[Feature], first: int) -> RequestFault | None:
    """What is wrong with these rows, a JSON list of which `first` came before; None when nothing is."""
    by_name = {feature.name: feature for feature in features}
    problems, more = _Problems(), ""
    try:
        for at, row in enumerate(_parsed(part), first):
            _row(row, f"rows[{at}]", by_name, problems)
    except _Enough:
        more = "; and more"
    return RequestFault(422, INVALID, "; ".join(problems.found) + more) if problems.found else None


def refuse_first_key(body: Body) -> None:
    """Raises `RequestFault` 422 for a great body whose first key is unknown, however it may go on."""
    first = _FIRST_KEY(body)
    if first is None or first[2] == b"\\":
        return
    key = first[1].decode(errors="replace")
    if key not in _KEYS or first[2] != b'"':
        raise RequestFault(422, INVALID, f"{quoted(key)}: {_UNKNOWN}")


def _glance(body: bytes, features: Mapping[str, Feature]) -> None:
    """What is no such request at all is not made into a million objects to be told so."""
    if body.count(b'":') > _MANY_KEYS:
        _refuse_unknown(body)
    try:
        outline = _outline(body)
        told = {
            key: msgspec.json.decode(raw) if key in ("options", "parameters") else 0 for key, raw in outline.items()
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if "features" not in told and "rows" not in told:
        _checked(told, features, slice(None))


def _refuse_unknown(body: bytes) -> None:
    try:
        _known(body)
    except msgspec.ValidationError as error:
        unknown = _unknown_field(str(error))
        if unknown is not None:
            raise RequestFault(422, INVALID, f"{quoted(unknown[1])}: {_UNKNOWN}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return


def _checked(document: Any, features: Mapping[str, Feature], part: slice) -> tuple[Rows, bool, Options]:
    problems = _Problems()
    more = ""
    try:
        told = _request(document, features, part, problems)
    except _Enough:
        more = "; and more"
    if problems.found:
        raise RequestFault(422, INVALID, "; ".join(problems.found) + more)
    return told


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError as error:
        raise RequestFault(422, INVALID, f"a number is out of any range ({error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestFault(400, MALFORMED, str(error)[:200]) from error
    except RecursionError as error:
        raise RequestFault(400, MALFORMED, "the body nests too deeply") from error


def refuse_repeated(body: bytes) -> None:
    """Raises `RequestFault` 400 for JSON with an object that has one key twice: which of the two is meant?"""
    import json

    def unique(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RequestFault(400, MALFORMED, f"{quoted(key)} is given twice")
            seen.add(key)

    try:
        json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RequestFault(400, MALFORMED, "the body cannot be read") from error


def _request(
    document: Any, features: Mapping[str, Feature], part: slice, problems: _Problems
) -> tuple[Rows, bool, Options]:
    if not isinstance(document, dict):
        problems.add("body", f'{values.shown(document)}, an object with "features" or "rows" is needed')
        return [], False, Options()
    for key in document:
        if key not in _KEYS:
            problems.add(quoted(key), _UNKNOWN)
    options = _options(document, problems)
    single = "features" in document
    if single == ("rows" in document):
        problems.add("body", f'needs {"only one" if single else "one"} of "features" and "rows"')
        return [], single, options
    if single:
        return [_row(document["features"], "features", features, problems)], True, options
    rows = document["rows"]
    if not isinstance(rows, list) or not rows:
        problems.add("rows", "is an empty list" if rows == [] else f"{values.shown(rows)}, a list of objects is needed")
        return [], False, options
    places = range(len(rows))[part]
    return [_row(rows[at], f"rows[{at}]", features, problems) for at in places], False, options


def _options(document: Mapping[str, Any], problems: _Problems) -> Options:
    given = [key for key in ("options", "parameters") if key in document]
    if len(given) == 2:
        problems.add("parameters", 'is the same as "options"; send one of them')
    options = Options()
    for name, value in _fields(document, given, problems):
        if name == "return_probabilities" and isinstance(value, bool):
            options.return_probabilities = value
        elif name == "request_id" and (
            value is None or (isinstance(value, str) and len(value) <= REQUEST_ID_CHARACTERS)
        ):
            options.request_id = value
        elif name in ("return_probabilities", "request_id"):
            needed = "true or false" if name[2] == "t" else f"text of at most {REQUEST_ID_CHARACTERS} characters"
            problems.add(f"{given[0]}.{name}", f"{values.shown(value)}, {needed} is needed")
        else:
            problems.add(f"{given[0]}.{quoted(name)}", "is unknown; there are return_probabilities and request_id")
    return options


def _fields(document: Mapping[str, Any], given: Sequence[str], problems: _Problems) -> list[tuple[str, Any]]:
    if not given:
        return []
    told = document[given[0]]
    if isinstance(told, dict):
        return list(told.items())
    problems.add(given[0], f"{values.shown(told)}, an object is needed")
    return []


def _row(row: Any, path: str, features: Mapping[str, Feature], problems: _Problems) -> tuple[Any, ...]:
    if not isinstance(row, dict):
        problems.add(path, f"{values.shown(row)}, an object of features is needed")
        return ()
    found = []
    for name, feature in features.items():
        if name in row or not feature.required:
            try:
                found.append(values.checked(feature, row.get(name)))
            except values.Mistake as mistake:
                problems.add(f"{path}.{quoted(name)}", str(mistake))
        else:
            problems.add(f"{path}.{quoted(name)}", "is missing")
    for name in row:
        if name not in features:
            problems.add_extra(f"{path}.{quoted(name)}", name, features)
    return tuple(found)


def quoted(name: str) -> str:
    """A name in a path, on one line and not too long."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return f'"{text[:_NAME]}{"..." if len(text) > _NAME else ""}"'

"""Great requests of V1 and of named features in slices: to the same tensors, and to the same words, as at once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage_runtime.artifact import Column, Signature
from moorage_runtime.codecs import slices
from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.codecs.slices import OBJECTS, Cut, Unsliced, numbers, parts
from moorage_runtime.codecs.v1.reader import V1Reader
from moorage_runtime.codecs.v2.reader import Reader as V2Reader
from moorage_runtime.config import Limits
from moorage_runtime.errors import RequestFault
from moorage_runtime.signature import layout
from moorage_runtime.steps import finish
from moorage_runtime.tensors import TensorSpec

WORDS = layout(
    Signature((Column("age", "long"), Column("city", "string", required=False), Column("on", "datetime"))),
    {
        "age": TensorSpec("age", "INT64", (-1, 1)),
        "city": TensorSpec("city", "BYTES", (-1, 1)),
        "on": TensorSpec("on", "INT64", (-1,)),
    },
)
TABLE = layout(None, {"x": TensorSpec("x", "FP32", (-1, 2))}, ["a", "b"])
X = {"x": TensorSpec("x", "FP32", (-1, 2))}
ONE = {"x": TensorSpec("x", "INT64", (-1, 1))}
CUBE = {"x": TensorSpec("x", "FP64", (-1, 2, -1))}
MANY = 3000
PAIRS = [[at, -at] for at in range(MANY)]
NAMED = [{"a": at, "b": -at} for at in range(MANY)]
TRICKY = ["}", "},{", "}]", '"}]', "\\", '\\"},', "]}", ""]


def taken(text: str, cut: Cut) -> list[Any]:
    found: list[Any] = []

    def take(part: bytes, count: int) -> int:
        assert count == len(found)
        try:
            some = json.loads(part)
        except ValueError:
            return 0
        found.extend(some)
        return len(some)

    behind = finish(parts(text.encode() + b"}behind", 1, cut, take))
    assert text.encode()[:behind] == text.encode()
    return found


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"t": st.sampled_from(TRICKY)}), min_size=1), st.integers(0, 60))
def test_brackets_in_texts_end_no_list(sent: list[Any], size: int) -> None:
    text = json.dumps(sent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", size)
        try:
            assert taken(text, OBJECTS) == sent
        except Unsliced:
            # Too many texts that look like ends.
            assert text.count("}") > len(sent)


@given(st.lists(st.lists(st.integers(-9, 9), min_size=1), min_size=1), st.integers(0, 20), st.sampled_from(["", " "]))
def test_lists_of_numbers_are_cut_between_rows(sent: list[Any], size: int, space: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", size)
        assert taken(json.dumps(sent, separators=(f"{space},", ":")).replace("]", f"{space}]"), numbers(2)) == sent
        flat = [number for row in sent for number in row]
        assert taken(json.dumps(flat), numbers(1)) == flat


def features(of: Any = TABLE, elements: int = 10**6) -> Reader:
    return Reader(of, elements)


def v1(specs: dict[str, TensorSpec], elements: int = 10**6) -> V1Reader:
    names = ["a", "b"] if specs is X else None
    return V1Reader(specs, Reader(layout(None, specs, names), elements), elements)


def outcome(read: Any) -> Any:
    try:
        found = read()
    except RequestFault as fault:
        return fault.status, fault.reason, fault.message
    inputs = {name: (array.dtype, array.shape, array.tolist()) for name, array in found.inputs.items()}
    return inputs, getattr(found, "by_row", None), getattr(found, "rows", None), getattr(found, "options", None)


def both(reader: Any, sent: Any) -> Any:
    """What a request comes to in slices, which must be what it comes to at once."""
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    whole = outcome(lambda: reader.read(body))
    assert repr(outcome(lambda: finish(reader.steps(memoryview(body))))) == repr(whole)
    return whole


def steps(reader: Any, sent: Any) -> int:
    """How many, where it is read in slices at all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(reader), "read", None)
        return sum(1 for _ in reader.steps(json.dumps(sent).encode()))


RIGHT: dict[str, tuple[Any, Any]] = {
    "features": (features(), {"rows": NAMED}),
    "options": (features(), {"rows": NAMED, "options": {"return_probabilities": False, "request_id": "r"}}),
    "options in front": (features(), {"parameters": {"request_id": "r"}, "rows": NAMED}),
    "texts": (features(WORDS), {"rows": [{"age": 1, "city": c, "on": "1970-01-02"} for c in ("Oslo", "a b")] * MANY}),
    "absent": (features(WORDS), {"rows": [{"age": 1, "on": "1970-01-02"}, {"age": 2, "on": "1971-01-01"}] * MANY}),
    "instances": (v1(X), {"instances": PAIRS}),
    "columns": (v1(X), {"inputs": PAIRS}),
    "scalars": (v1(ONE), {"instances": list(range(MANY * 3))}),
    "rows of one": (v1(ONE), {"instances": [[at] for at in range(MANY * 2)]}),
    "cubes": (v1(CUBE), {"instances": [[[1.5], [2]]] * MANY}),
    "named instances": (v1(X), {"instances": NAMED}),
    "signature": (v1(X), {"signature_name": "serving_default", "instances": PAIRS}),
    "no signature": (v1(X), {"instances": PAIRS, "signature_name": None}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_request_is_read_in_slices_to_the_same(name: str) -> None:
    reader, sent = RIGHT[name]
    assert isinstance(both(reader, sent)[0], dict)
    assert steps(reader, sent) > 2


def at(rows: list[Any], place: int, row: Any) -> list[Any]:
    return [*rows[:place], row, *rows[place:]]


WRONG: dict[str, tuple[Any, Any]] = {
    "a text for a number": (features(), {"rows": at(NAMED, 2000, {"a": 1, "b": "x"})}),
    "a missing one": (features(), {"rows": at(NAMED, 2500, {"a": 1})}),
    "an unknown one": (features(), {"rows": at(NAMED, MANY, {"a": 1, "b": 2, "c": 3})}),
    "a null for a row": (features(), {"rows": at(NAMED, 2000, None)}),
    "both": (features(), {"rows": NAMED, "features": NAMED[0]}),
    "unknown key": (features(), {"rows": NAMED, "more": 1}),
    "options twice": (features(), {"rows": NAMED, "options": {}, "parameters": {}}),
    "a key twice": (features(), json.dumps({"rows": NAMED}).replace('"a": 2000', '"a": 2, "a": 3').encode()),
    "too many": (features(TABLE, 2 * MANY - 1), {"rows": NAMED}),
    "no JSON": (features(), json.dumps({"rows": NAMED}).replace('"a": 2000', '"a": ').encode()),
    "no end": (features(), json.dumps({"rows": NAMED})[:-2].encode()),
    "a comma at the end": (features(), json.dumps({"rows": NAMED}).replace("}]}", "},]}").encode()),
    "a bad date": (features(WORDS), {"rows": at([{"age": 1, "on": "1970-01-02"}] * MANY, 2000, {"age": 1, "on": "x"})}),
    "another signature": (v1(X), {"signature_name": "serving", "instances": PAIRS}),
    "another signature behind": (v1(X), {"instances": PAIRS, "signature_name": "serving"}),
    "instances and inputs": (v1(X), {"instances": PAIRS, "inputs": PAIRS}),
    "a text amid": (v1(X), {"instances": at(PAIRS, 2000, [1, "x"])}),
    "a short row": (v1(X), {"instances": at(PAIRS, 2000, [1])}),
    "beyond FP32": (v1(X), {"instances": at(PAIRS, 2000, [1, 1e39])}),
    "a fraction": (v1(ONE), {"instances": at(list(range(3 * MANY)), 2000, 1.5)}),
    "no number": (v1(X), json.dumps({"instances": PAIRS}).replace("[2000,", "[2x,").encode()),
    "no end of instances": (v1(X), json.dumps({"instances": PAIRS})[:-2].encode()),
    "too many instances": (v1(X, 2 * MANY - 1), {"instances": PAIRS}),
    "a named one is wrong": (v1(X), {"instances": at(NAMED, 2000, {"a": 1, "b": "x"})}),
    "instances twice": (v1(X), b'{"instances":[[1,2]],' + json.dumps({"instances": PAIRS}).encode()[1:]),
    "no UTF-8 in a name": (
        v1(X),
        json.dumps({"instances": NAMED}).replace('"a": 2000', '"@": 2').encode().replace(b"@", b"\xff"),
    ),
    "no UTF-8 in a row's name": (features(), json.dumps({"rows": NAMED}).encode().replace(b'"a": 2000', b'"\xff": 2')),
    "no UTF-8 amid numbers": (v1(X), json.dumps({"instances": PAIRS}).encode().replace(b"[2000,", b'["\xff",')),
    "objects for columns": (v1(X), {"inputs": [{"name": "x", "shape": [MANY, 2], "data": PAIRS}]}),
    "objects for columns of many": (v1({**X, **ONE, "y": ONE["x"]}), {"inputs": [{"name": "x", "data": PAIRS}]}),
    "escaped": (v1(X), json.dumps({"instances": PAIRS}).replace('{"inst', '{"in\\u0070uts":[[1,2]],"inst').encode()),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_great_request_is_told_in_the_same_words(name: str) -> None:
    reader, sent = WRONG[name]
    assert isinstance(both(reader, sent)[0], (int, dict))


TOLD = [
    ("a text for a number", 'rows[2000]."b": is the text "x", a number is needed'),
    ("a text amid", "instances[2000][1]: Expected `float`, got `str`"),
    ("a named one is wrong", 'instances[2000]."b": is the text "x", a number is needed'),
]


@pytest.mark.parametrize(("name", "words"), TOLD)
def test_a_wrong_row_is_told_without_reading_the_rest(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, sent = WRONG[name]
    monkeypatch.setattr(type(reader), "read", None)
    with pytest.raises(RequestFault) as caught:
        finish(reader.steps(json.dumps(sent).encode()))
    assert caught.value.message == words


UNKNOWN = [
    (b'{"inputs": [', '"inputs"'),
    (b'{"' + b"k" * 200 + b'": [', f'"{"k" * 80}..."'),
    (b'{"\xff": [', '"\ufffd"'),
    (b' { "Rows": [', '"Rows"'),
]


@pytest.mark.parametrize(("start", "name"), UNKNOWN)
def test_an_unknown_key_is_told_before_what_follows_it(start: bytes, name: str) -> None:
    with pytest.raises(RequestFault) as caught:
        finish(features().steps(start + b"[1,2]," * MANY))
    assert (caught.value.status, caught.value.reason) == (422, "InvalidFeatures")
    assert caught.value.message == f'{name}: is unknown; send "features" or "rows", and "options"'


def test_a_known_key_in_other_words_is_no_unknown_one() -> None:
    body = json.dumps({"rows": NAMED}).replace('"rows"', '"ro\\u0077s"').encode()
    assert outcome(lambda: finish(features().steps(body))) == outcome(lambda: features().read(body))
    assert isinstance(outcome(lambda: features().read(body))[0], dict)


@pytest.mark.parametrize("kind", ["rows", "instances", "inputs"])
def test_more_blanks_in_front_than_anybody_means_are_refused(kind: str) -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [MANY, 2], "data": PAIRS}
    sent = {"rows": {"rows": NAMED}, "instances": {"instances": PAIRS}, "inputs": {"inputs": [tensor]}}[kind]
    reader: Any = {"rows": features(), "instances": v1(X), "inputs": V2Reader(X, {}, Limits())}[kind]
    body = json.dumps(sent).encode()
    few = outcome(lambda: finish(reader.steps(b" \t\r\n" * 100 + body)))
    assert few == outcome(lambda: finish(reader.steps(body)))
    assert isinstance(few[0], dict)
    told = outcome(lambda: finish(reader.steps(b" \n" * slices.GREAT_BYTES + body)))
    assert told == (400, "InvalidRequest", "the body begins with 64 KiB of white space")


@settings(deadline=None)
@given(st.data(), st.sampled_from(["rows", "instances", "named"]))
def test_any_slices_of_any_bytes(data: st.DataObject, kind: str) -> None:
    sent = {"rows": {"rows": NAMED[:6]}, "instances": {"instances": PAIRS[:6]}, "named": {"instances": NAMED[:6]}}[kind]
    reader = features() if kind == "rows" else v1(X)
    body = json.dumps(sent).encode()
    place = data.draw(st.integers(0, len(body) - 1))
    some = data.draw(st.sampled_from([b"", b'"', b"]", b"[", b",", b"1", b"}", b"{", b"\\", b"x"]))
    changed = body[:place] + some + body[place + data.draw(st.integers(0, 1)) :]
    whole = outcome(lambda: reader.read(changed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", data.draw(st.integers(0, 60)))
        sliced = outcome(lambda: finish(reader.steps(changed)))
    # Of two mistakes either may be told first; what is right is the same.
    assert repr(sliced) == repr(whole) or (sliced[0] in (400, 422) and whole[0] in (400, 422)), changed


def test_a_slice_is_small_whatever_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    asarray = np.array

    def seen(value: Any, *more: Any) -> Any:
        sizes.append(len(value))
        return asarray(value, *more)

    monkeypatch.setattr("moorage_runtime.codecs.features.reader.np.array", seen)
    finish(features().steps(json.dumps({"rows": NAMED * 10}).encode()))
    assert sum(sizes) == 10 * MANY
    assert max(sizes) < slices.SLICE_BYTES // len(json.dumps(NAMED[0])) + 2

"""Answers of a real pod through every door, read back: all doors must tell the same of the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.pod import Pod

from moorage_runtime.comparing.finding import READERS, SAME, Finding, Kind, compare
from moorage_runtime.comparing.told import Naming, Tensor, Unreadable
from moorage_runtime.config import Compare
from moorage_runtime.routing.hooks import Reply

NAMES = list(map(str, models.data().feature_names))
NAMING = Naming(prediction="label", probabilities="probabilities")
RULE = Compare()
INFER = "/v2/models/fraud/infer"


class Doors:
    """Asks one pod for rows of numbers, through any door; gives the raw answer."""

    def __init__(self, pod: Pod) -> None:
        self._pod = pod

    def ask(self, way: str, rows: Any) -> tuple[str, Reply]:
        door, _, form = way.partition(" ")
        made: Callable[[Any, str], Reply] = getattr(self, f"_{door}")
        return door, made(rows, form)

    def _post(self, path: str, document: Any) -> Reply:
        status, headers, body = self._pod.ask("POST", path, json.dumps(document).encode())
        return Reply(status, {name.encode(): value.encode() for name, value in headers.items()}, body, 0.001)

    def _v2(self, rows: Any, form: str) -> Reply:
        tensor = {"name": "X", "shape": rows.shape, "datatype": "FP32", "data": rows.ravel().tolist()}
        return self._post(INFER, {"inputs": [tensor], "parameters": {"binary_data_output": form == "binary"}})

    def _v1(self, rows: Any, form: str) -> Reply:
        return self._post("/v1/models/fraud:predict", {form: rows.tolist()})

    def _features(self, rows: Any, form: str) -> Reply:
        told = [dict(zip(NAMES, row, strict=True)) for row in rows.tolist()]
        options = {"return_probabilities": form != "brief", "request_id": f"r-{id(rows)}"}
        return self._post("/v1/predict", {"rows": told, "options": options})

    def _grpc(self, rows: Any, form: str) -> Reply:
        tensor: dict[str, Any] = {"name": "X", "datatype": "FP32", "shape": rows.shape}
        if form == "raw":
            asked = messages.make(
                "ModelInferRequest", model_name="fraud", inputs=[tensor], raw_input_contents=[rows.tobytes()]
            )
        else:
            tensor["contents"] = {"fp32_contents": rows.ravel().tolist()}
            asked = messages.make("ModelInferRequest", model_name="fraud", inputs=[tensor])
        with grpc.insecure_channel(f"127.0.0.1:{self._pod.grpc_port}") as channel:
            call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            answer = call(asked.SerializeToString(), timeout=20, wait_for_ready=True)
        return Reply(200, {b"content-type": b"application/proto"}, answer, 0.001)


WAYS = (
    "v2 json",
    "v2 binary",
    "v1 instances",
    "v1 inputs",
    "features whole",
    "features brief",
    "grpc raw",
    "grpc typed",
)


@pytest.fixture(scope="module")
def doors(serving: Pod) -> Doors:
    return Doors(serving)


@pytest.mark.parametrize("way", WAYS)
def test_every_door_reads_back_to_what_v2_tells(doors: Doors, way: str) -> None:
    rows = models.rows(5)
    _, plain = doors.ask("v2 json", rows)
    wanted = {output["name"]: output for output in json.loads(plain.body)["outputs"]}
    door, reply = doors.ask(way, rows)
    found = {tensor.name: tensor for tensor in READERS[door](reply, NAMING)}
    labels = found.get("prediction") or found["label"]
    assert labels.output == "label"
    assert labels.array.tolist() == wanted["label"]["data"]
    if way == "features brief":
        chances = np.array(wanted["probabilities"]["data"]).reshape(5, 2)
        assert found["confidence"].array.tolist() == chances.max(1).tolist()
    else:
        assert found["probabilities"].output == "probabilities"
        np.testing.assert_array_equal(
            found["probabilities"].array.ravel().astype(np.float32),
            np.array(wanted["probabilities"]["data"], np.float32),
        )
        assert found["probabilities"].array.shape == (5, 2)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_rows_give_the_same_and_others_differ_at_every_door(doors: Doors, way: str) -> None:
    door, first = doors.ask(way, models.rows(5))
    _, again = doors.ask(way, models.rows(5).copy())
    _, other = doors.ask(way, models.data().data[20:25].astype(np.float32))
    assert compare(door, again, first, RULE, NAMING) == SAME
    found = compare(door, other, first, RULE, NAMING)
    assert found.kind is Kind.DIFFERS
    assert " instead of " in found.words


@pytest.mark.parametrize("way", WAYS)
def test_only_the_outputs_that_count_are_compared_whatever_the_door_calls_them(doors: Doors, way: str) -> None:
    """Row 0 and row 1 have one label, and other probabilities."""
    rows = models.rows(2)
    (door, first), (_, other) = doors.ask(way, rows[:1]), doors.ask(way, rows[1:])
    assert compare(door, other, first, RULE, NAMING).kind is Kind.DIFFERS
    assert compare(door, other, first, Compare(outputs=("label",)), NAMING) == SAME
    assert compare(door, other, first, Compare(top_k=1), NAMING) == SAME
    assert compare(door, other, first, Compare(outputs=("probabilities",)), NAMING).kind is Kind.DIFFERS
    assert compare(door, other, first, Compare(outputs=("elsewhere",)), NAMING).kind is Kind.INCOMPARABLE


@pytest.fixture(scope="module")
def wordy(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """`text`, `number` to `echo`, `root`."""
    pod = Pod(tmp_path_factory.mktemp("wordy"), f"file://{artifacts / 'words'}", {})
    assert pod.download().returncode == 0
    pod.serve()
    yield pod
    pod.kill()


def ask_words(pod: Pod, door: str, text: str, number: float) -> Reply:
    tensors = [
        {"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]},
        {"name": "number", "shape": [1, 1], "datatype": "FP64", "data": [number]},
    ]
    asked: dict[str, tuple[str, Any]] = {
        "v2": (INFER, {"inputs": tensors}),
        "v1": ("/v1/models/fraud:predict", {"instances": [{"text": text, "number": [number]}]}),
        "features": ("/v1/predict", {"features": {"text": text, "number": number}}),
    }
    path, document = asked[door]
    status, headers, body = pod.ask("POST", path, json.dumps(document).encode())
    return Reply(status, {name.encode(): value.encode() for name, value in headers.items()}, body, 0.001)


@pytest.mark.parametrize("door", ["v2", "v1", "features"])
def test_texts_and_what_is_no_number(wordy: Pod, door: str) -> None:
    own = ask_words(wordy, door, "ä", 4)
    assert compare(door, own, own, RULE, Naming()) == SAME
    text = compare(door, ask_words(wordy, door, "b" * 99, 4), own, RULE, Naming())
    assert text.words == f"echo[0]: '{'b' * 39}'… instead of 'ä'"
    hole = ask_words(wordy, door, "ä", -4)
    assert compare(door, hole, hole, RULE, Naming()) == SAME
    place = "[0]" if door == "features" else "[0, 0]"
    assert compare(door, hole, own, RULE, Naming()).words == f"root{place}: nan instead of 2"


def reply(body: bytes, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Reply(status, {b"content-type": b"application/json", **named}, body, 0.0)


GOOD = {
    "v2": b'{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1.0,2.0]}]}',
    "v1": b'{"predictions":[1.0,2.0]}',
    "features": b'{"prediction":1.0}',
    "grpc": messages.make(
        "ModelInferResponse",
        outputs=[{"name": "y", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1.0, 2.0]}}],
    ).SerializeToString(),
}
BROKEN = [
    ("v2", b""),
    ("v2", b"[]"),
    ("v2", b'{"outputs":[{"name":"y"}]}'),
    ("v2", b'{"outputs":[{"name":"y","datatype":"FP32","shape":[3],"data":[1.0,2.0]}]}'),
    ("v2", b'{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":["1.0","2.0"]}]}'),
    ("v2", b'{"outputs":[{"name":"y","datatype":"INT64","shape":[2],"data":[1.5,2.5]}]}'),
    ("v2", b'{"outputs":[{"name":"y","datatype":"FP1","shape":[2],"data":[1.0,2.0]}]}'),
    ("v2", b'{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}}]}'),
    ("v1", b"data: {}\n\n"),
    ("v1", b'{"error":"no"}'),
    ("v1", b'{"predictions":[[1.0],[1.0,2.0]]}'),
    ("v1", b'{"predictions":[{"a":1,"b":2},{"a":1,"c":2}]}'),
    ("features", b'{"predictions":[]}'),
    ("features", b'{"predictions":[{"prediction":1},{}]}'),
    ("features", b'{"prediction":{"a":1},"outputs":3}'),
    ("grpc", b"\xff"),
    ("grpc", b'{"outputs":[]}'),
    ("grpc", GOOD["grpc"][:-1]),
    (
        "grpc",
        GOOD["grpc"] + messages.make("ModelInferResponse", raw_output_contents=[bytes(8), b""]).SerializeToString(),
    ),
]


@pytest.mark.parametrize(("door", "body"), BROKEN)
def test_what_is_no_answer_is_held_against_its_version_alone(door: str, body: bytes) -> None:
    with pytest.raises(Unreadable):
        READERS[door](reply(body), Naming())
    assert compare(door, reply(body), reply(GOOD[door]), RULE, Naming()).kind is Kind.DIFFERS
    assert compare(door, reply(GOOD[door]), reply(body), RULE, Naming()).kind is Kind.INCOMPARABLE


@pytest.mark.parametrize("door", sorted(GOOD))
def test_refusals_are_not_compared(door: str) -> None:
    good, bad = reply(GOOD[door]), reply(b"{}", 503)
    assert compare(door, good, good, RULE, Naming()) == SAME
    assert compare(door, bad, good, RULE, Naming()) == Finding(Kind.INCOMPARABLE, "the other version answered 503")
    assert compare(door, good, bad, RULE, Naming()) == Finding(Kind.INCOMPARABLE, "the stable version answered 503")


def test_classes_by_name_have_no_order() -> None:
    left = b'{"prediction":"a","probabilities":{"a":0.9,"b":0.1},"confidence":0.9,"requestId":"1","latencyMs":3}'
    right = b'{"prediction":"a","probabilities":{"b":0.1,"a":0.9},"confidence":0.9,"requestId":"2","latencyMs":4}'
    other = b'{"prediction":"a","probabilities":{"a":0.9,"c":0.1},"confidence":0.9}'
    assert compare("features", reply(left), reply(right), RULE, NAMING) == SAME
    found = compare("features", reply(other), reply(right), RULE, NAMING)
    assert found.words == "classes[1]: 'c' instead of 'b'"


def tensors(body: bytes) -> list[Tensor]:
    return READERS["v1"](reply(body), Naming(only="y"))


def test_json_without_datatypes_is_numbers_truths_or_texts() -> None:
    for body, datatype in (
        (b"[1,2]", "INT64"),
        (b"[1,2.0,null]", "FP64"),
        (b"[true]", "BOOL"),
        (b'["a",{"b64":"/w=="}]', "BYTES"),
        (b'[{"b64":"/w=="},{"b64":"/g=="}]', "BYTES"),
        (b"[18446744073709551615]", "INT64"),
    ):
        (found,) = tensors(b'{"predictions":' + body + b"}")
        assert (found.output, found.datatype) == ("y", datatype)


def test_a_shape_may_come_number_by_number() -> None:
    """As protobuf's older encoders write repeated fields."""
    packed = messages.make(
        "ModelInferResponse",
        outputs=[{"name": "y", "datatype": "FP32", "shape": [1, 2]}],
        raw_output_contents=[bytes(8)],
    ).SerializeToString()
    apart = packed.replace(b"\x1a\x02\x01\x02", b"\x18\x01\x18\x02")
    assert messages.read("ModelInferResponse", apart) == messages.read("ModelInferResponse", packed)
    (found,) = READERS["grpc"](reply(apart), Naming())
    assert found.array.shape == (1, 2)

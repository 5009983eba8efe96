"""The JSON doors of a real pod: named features, V1, the OpenAPI document and the page to try the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

NAMES = list(map(str, models.data().feature_names))
JSON = "application/json"


@pytest.fixture(scope="module")
def declared(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """One pod that serves `boosting`, its MLmodel with a signature as MLflow writes it."""
    folder = tmp_path_factory.mktemp("declared") / "model"
    models.write_boosting(folder)
    columns = json.dumps([{"type": "double", "name": name, "required": True} for name in NAMES])
    with (folder / "MLmodel").open("a") as mlmodel:
        mlmodel.write(f"signature:\n  inputs: '{columns}'\n  outputs: null\n  params: null\n")
    pod = Pod(tmp_path_factory.mktemp("pod"), f"file://{folder}", {"limits": {"jsonBytes": 100_000}})
    assert pod.download().returncode == 0, pod.termination()
    pod.serve()
    yield pod
    pod.kill()


def test_margins_of_a_support_vector_machine_are_not_sold_as_probabilities(
    pod: Callable[..., Pod], tmp_path: Path
) -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    (tmp_path / "model").mkdir()
    model = to_onnx(LinearSVC().fit(drawn, np.where(drawn[:, 0] > 0, "cat", "dog")), drawn[:1])
    (tmp_path / "model" / "model.onnx").write_bytes(model.SerializeToString())
    made = pod(f"file://{tmp_path / 'model'}")
    assert made.download().returncode == 0
    made.serve()
    status, _, told = post(made, "/v1/predict", {"features": {"f0": 5, "f1": 0, "f2": 0}})
    assert (status, told["prediction"]) == (200, "cat")
    assert not {"probabilities", "confidence"} & told.keys()
    assert abs(told["outputs"]["probabilities"]) > 1
    answer = get(made, "/openapi.json")[1]["components"]["schemas"]["Prediction"]["properties"]
    assert answer["prediction"] == {"type": "string"}
    assert not {"probabilities", "confidence"} & answer.keys()


def test_a_zipmap_of_columns_just_works(pod: Callable[..., Pod], tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    words = np.where(drawn[:, 0] > 0.5, "a", np.where(drawn[:, 0] < -0.5, "b", "c"))
    fitted = LogisticRegression().fit(drawn, words)
    (tmp_path / "model").mkdir()
    model = to_onnx(fitted, drawn[:1], options={"zipmap": "columns"})
    (tmp_path / "model" / "model.onnx").write_bytes(model.SerializeToString())
    made = pod(f"file://{tmp_path / 'model'}")
    assert made.download().returncode == 0
    made.serve()
    status, _, told = post(made, "/v1/predict", {"features": {"f0": 5, "f1": 0, "f2": 0}})
    assert (status, told["prediction"]) == (200, "a")
    wanted = dict(zip("abc", fitted.predict_proba([[5, 0, 0]])[0], strict=True))
    assert told["probabilities"] == pytest.approx(wanted, abs=1e-5)
    answer = get(made, "/openapi.json")[1]["components"]["schemas"]["Prediction"]["properties"]
    assert {"prediction", "probabilities", "confidence"} <= answer.keys()


def row(at: int = 0) -> dict[str, float]:
    return dict(zip(NAMES, map(float, models.data().data[at]), strict=True))


def post(pod: Pod, path: str, document: Any, **headers: str) -> tuple[int, dict[str, str], Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, told, answer = pod.ask("POST", path, body, **headers)
    return status, told, json.loads(answer)


def get(pod: Pod, path: str) -> tuple[int, Any]:
    status, _, answer = pod.ask("GET", path)
    return status, json.loads(answer)


def test_a_row_of_named_features_is_predicted_as_by_v2(declared: Pod) -> None:
    tensor = {"name": "X", "shape": [1, 30], "datatype": "FP32", "data": models.rows(1).ravel().tolist()}
    _, by_tensor = declared.infer({"inputs": [tensor]})
    label, chances = (output["data"] for output in by_tensor["outputs"])
    status, headers, told = post(declared, "/v1/predict", {"features": row()}, x_request_id="r-9")
    assert status == 200
    assert told["prediction"] == label[0]
    assert told["probabilities"] == {"0": chances[0], "1": chances[1]}
    assert told["confidence"] == max(chances)
    assert told["version"] == headers["x-model-version"] == "3"
    assert told["requestId"] == headers["x-request-id"] == "r-9"
    assert 0 < told["latencyMs"] < 10_000


def test_many_rows_and_a_named_model(declared: Pod) -> None:
    for path in ("/v1/predict", "/v1/predict/fraud", "/v1/predict/fraud/versions/3"):
        status, _, told = post(declared, path, {"rows": [row(0), row(1)], "options": {"return_probabilities": False}})
        assert status == 200
        assert [set(each) for each in told["predictions"]] == [{"prediction", "confidence"}] * 2


def test_what_does_not_fit_names_row_and_feature(declared: Pod) -> None:
    wrong = row() | {"mean radius": "1"}
    del wrong["mean area"]
    status, headers, told = post(declared, "/v1/predict", {"rows": [row(), wrong]})
    assert status == 422
    assert told["error"] == {
        "code": 422,
        "reason": "InvalidFeatures",
        "message": 'rows[1]."mean radius": is the text "1", a number is needed; rows[1]."mean area": is missing',
        "requestId": headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/predict/other", 404), ("/v1/predict/fraud/versions/9", 404), ("/v1/predict/fraud/more", 404)],
)
def test_what_is_not_there_is_404(declared: Pod, path: str, status: int) -> None:
    assert post(declared, path, {})[0] == status


def test_bodies_are_bounded_and_typed(declared: Pod) -> None:
    for path in ("/v1/predict", "/v1/models/fraud:predict"):
        assert post(declared, path, b" " * 100_001)[0] == 413
        assert post(declared, path, b"{}", content_type="multipart/form-data")[0] == 415
        assert post(declared, path, b"{}", accept="text/html")[0] == 406
        assert declared.ask("GET", path)[0] == 405
        assert post(declared, path, b"{}", x_request_timeout="soon")[0] == 400


def test_v1_answers_rows_and_columns(declared: Pod) -> None:
    rows = models.rows(2).tolist()
    by_row = post(declared, "/v1/models/fraud:predict", {"instances": rows})
    named = post(declared, "/v1/models/fraud/versions/3:predict", {"instances": [row(0), row(1)]})
    assert by_row[0] == named[0] == 200
    assert by_row[2] == named[2]
    assert [set(each) for each in by_row[2]["predictions"]] == [{"label", "probabilities"}] * 2
    status, _, columns = post(declared, "/v1/models/fraud:predict", {"inputs": rows})
    assert status == 200
    assert columns["outputs"]["label"] == [each["label"] for each in by_row[2]["predictions"]]


def test_v1_errors_are_plain_text(declared: Pod) -> None:
    status, _, told = post(declared, "/v1/models/fraud:predict", {"instances": [[1]]})
    assert (status, told) == (400, {"error": "instances: [1, 1] is sent, the model takes [-1, 30]"})
    assert post(declared, "/v1/models/other:predict", {})[0] == 404


@pytest.mark.parametrize("path", ["/v1/models/fraud:explain", "/v1/models/fraud/versions/3:classify"])
def test_v1_says_which_verb_it_knows(declared: Pod, path: str) -> None:
    told = f":{path.rpartition(':')[2]} is unknown; this server knows :predict"
    assert post(declared, path, {"instances": [[1]]})[::2] == (404, {"error": told})
    assert get(declared, path) == (404, {"error": told})


def test_v1_tells_what_is_served(declared: Pod) -> None:
    assert get(declared, "/v1/models") == (200, {"models": ["fraud"]})
    state = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    told = {"name": "fraud", "ready": True, "model_version_status": [state]}
    assert get(declared, "/v1/models/fraud") == get(declared, "/v1/models/fraud/versions/3") == (200, told)
    assert get(declared, "/v1/models/other")[0] == 404
    assert get(declared, "/") == (200, {"status": "alive"})


def test_the_document_has_the_models_features_and_its_own_example(declared: Pod) -> None:
    status, told = get(declared, "/openapi.json")
    assert status == 200
    features = told["components"]["schemas"]["Features"]
    assert list(features["properties"]) == NAMES
    example = features["examples"][0]
    assert example["mean radius"] == 17.99
    assert post(declared, "/v1/predict", {"features": example})[0] == 200


def test_the_page_comes_with_a_policy_that_lets_nobody_else_in(declared: Pod) -> None:
    for path, kind in (
        ("/docs", "text/html"),
        ("/docs/page.js", "text/javascript"),
        ("/docs/page.css", "text/css"),
        ("/docs/icon.svg", "image/svg+xml"),
    ):
        status, headers, content = declared.ask("GET", path)
        assert status == 200
        assert headers["content-type"].startswith(kind)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert content
    assert declared.ask("GET", "/docs/../page.html")[0] == 404
    status, headers, _ = declared.ask("GET", "/docs/")
    assert (status, headers["location"]) == (308, "../docs")


def test_a_lone_file_with_a_zipmap_just_works(artifacts: Path, pod: Callable[..., Pod]) -> None:
    alone = pod(f"file://{artifacts / 'logistic'}")
    assert alone.download().returncode == 0
    alone.serve()
    features = {f"f{at}": float(value) for at, value in enumerate(models.data().data[0])}
    status, _, told = post(alone, "/v1/predict", {"features": features})
    assert status == 200
    assert told["prediction"] == 0
    assert set(told["probabilities"]) == {"0", "1"}
    assert told["confidence"] == told["probabilities"]["0"] > 0.5


def test_text_and_several_outputs(artifacts: Path, pod: Callable[..., Pod]) -> None:
    words = pod(f"file://{artifacts / 'words'}")
    assert words.download().returncode == 0
    words.serve()
    status, _, told = post(words, "/v1/predict", {"rows": [{"text": "ä", "number": 4}, {"text": "", "number": 2.25}]})
    assert status == 200
    assert told["predictions"] == [
        {"prediction": {"echo": "ä", "root": 2.0}},
        {"prediction": {"echo": "", "root": 1.5}},
    ]
    status, _, told = post(words, "/v1/models/fraud:predict", {"instances": [{"text": "ä", "number": [4]}]})
    assert told == {"predictions": [{"echo": "ä", "root": [2.0]}]}
    # The square root of a negative number is no number, and JSON has none.
    assert post(words, "/v1/predict", {"features": {"text": "", "number": -1}})[2]["prediction"]["root"] is None


def test_a_key_guards_every_door_but_the_bare_page(artifacts: Path, pod: Callable[..., Pod], tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "one").write_text("secret")
    guarded = pod(f"file://{artifacts / 'words'}", apiKeys=True)
    guarded.variables = {"MOORAGE_API_KEYS_DIR": str(keys)}
    assert guarded.download().returncode == 0
    guarded.serve()
    question = {"features": {"text": "a", "number": 4}}
    for path in ("/v1/predict", "/v1/models/fraud:predict"):
        assert post(guarded, path, question)[0] == 401
    assert get(guarded, "/openapi.json")[0] == 401
    assert post(guarded, "/v1/predict", question, authorization="Bearer secret")[0] == 200
    for path in ("/docs", "/docs/page.js"):
        assert guarded.ask("GET", path)[0] == 200

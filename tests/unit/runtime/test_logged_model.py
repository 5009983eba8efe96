"""A model as MLflow itself saves it, from mixed columns with gaps, to its prediction by named features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime.pod import Pod

pandas = pytest.importorskip("pandas")
mlflow_onnx = pytest.importorskip("mlflow.onnx")

PEOPLE = {
    "age": [25, 38, 52, 47, 33, 61],
    "income": [21.5, None, 80.25, 62.0, 40.0, None],
    "city": ["Oslo", "Rome", "Oslo", "Bonn", "Rome", "Bonn"],
}
BUYS = ["no", "no", "yes", "yes", "no", "yes"]


def pipeline() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["age", "income"]),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression())


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The saved model's folder, and the pipeline that it came from."""
    from mlflow.models import infer_signature
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    frame = pandas.DataFrame(PEOPLE)
    model = pipeline().fit(frame, BUYS)
    kinds = [
        ("age", FloatTensorType([None, 1])),
        ("income", FloatTensorType([None, 1])),
        ("city", StringTensorType([None, 1])),
    ]
    folder = tmp_path_factory.mktemp("logged") / "model"
    signature = infer_signature(frame, np.array(BUYS))
    mlflow_onnx.save_model(
        to_onnx(model, initial_types=kinds), str(folder), signature=signature, input_example=frame[:1]
    )
    return folder, model


def test_what_was_logged_is_served_by_the_columns_names(logged: tuple[Path, Any], pod: Callable[..., Pod]) -> None:
    folder, model = logged
    served = pod(f"file://{folder}")
    assert served.download().returncode == 0, served.termination()
    served.serve()
    frame = pandas.DataFrame(PEOPLE)
    rows = json.loads(frame.to_json(orient="records"))
    status, _, answer = served.ask("POST", "/v1/predict", json.dumps({"rows": rows}))
    told = json.loads(answer)["predictions"]
    assert status == 200
    assert [each["prediction"] for each in told] == model.predict(frame).tolist()
    for each, chances in zip(told, model.predict_proba(frame), strict=True):
        assert each["probabilities"] == pytest.approx({"no": chances[0], "yes": chances[1]}, abs=1e-5)
    # A column that had gaps may be left out; one that had none may not.
    del rows[1]["income"], rows[2]["age"]
    assert served.ask("POST", "/v1/predict", json.dumps({"rows": rows[:2]}))[0] == 200
    status, _, answer = served.ask("POST", "/v1/predict", json.dumps({"rows": rows}))
    assert (status, json.loads(answer)["error"]["message"]) == (422, 'rows[2]."age": is missing')


def test_its_document_tells_types_gaps_and_example(logged: tuple[Path, Any], pod: Callable[..., Pod]) -> None:
    served = pod(f"file://{logged[0]}")
    assert served.download().returncode == 0
    served.serve()
    features = json.loads(served.ask("GET", "/openapi.json")[2])["components"]["schemas"]["Features"]
    assert features["required"] == ["age", "city"]
    assert features["properties"]["age"]["type"] == "integer"
    assert features["properties"]["income"]["type"] == ["number", "null"]
    assert features["examples"] == [{"age": 25, "income": 21.5, "city": "Oslo"}]

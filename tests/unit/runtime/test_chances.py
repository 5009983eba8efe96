"""Which outputs are no probabilities, told by models of scikit-learn that give some and by others that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from tests.unit.runtime.test_catalogue import Dead

from moorage_runtime import chances
from moorage_runtime.engines import onnx as engine
from moorage_runtime.tensors import TensorSpec, zeros

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(120, 3)).astype(np.float32)
TWO = np.where(X[:, 0] > 0, "cat", "dog")
THREE = np.where(X[:, 0] > 0.5, "a", np.where(X[:, 0] < -0.5, "b", "c"))
LIKELY = [
    LogisticRegression(),
    RandomForestClassifier(5),
    KNeighborsClassifier(),
    MLPClassifier((4,), max_iter=20),
    HistGradientBoostingClassifier(max_iter=5),
    SVC(probability=True),
    SGDClassifier("log_loss"),
    CalibratedClassifierCV(LinearSVC()),
]
NEVER = [LinearSVC(), make_pipeline(StandardScaler(), SVC()), RidgeClassifier(), SGDClassifier("hinge"), SVC()]


def name(model: Any) -> str:
    return type(model).__name__


def found(model: Any, folder: Path, asked: Any = None, **options: Any) -> frozenset[str]:
    file = folder / "model.onnx"
    opset = {"": 17, "ai.onnx.ml": 3}
    file.write_bytes(to_onnx(model, X[:1], target_opset=opset, **options).SerializeToString())
    loaded = engine.load(file, 1)
    inputs = {name: zeros(spec) if asked is None else asked for name, spec in loaded.inputs.items()}
    return chances.margins(loaded, inputs, loaded.infer(inputs))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", LIKELY, ids=name)
@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_probabilities_stay_what_they_are(model: Any, labels: Any, tmp_path: Path) -> None:
    assert found(model.fit(X, labels), tmp_path) == frozenset()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", NEVER, ids=name)
@pytest.mark.parametrize("labels", [TWO, THREE], ids=["two", "three"])
def test_margins_are_found_out_by_zeros_and_by_an_example(model: Any, labels: Any, tmp_path: Path) -> None:
    fitted = model.fit(X, labels)
    for asked in (None, X[:20]):
        (margins,) = found(fitted, tmp_path, asked)
        assert margins in ("probabilities", "output_probability")


def test_scores_of_an_outlier_are_no_probabilities_either(tmp_path: Path) -> None:
    assert found(IsolationForest(n_estimators=5).fit(X), tmp_path, X[:40]) == {"scores"}


class Counting(Dead):
    """Gives what a test says, and counts how often it is asked."""

    def __init__(self, *shape: int, error: Exception | None = None) -> None:
        super().__init__()
        self.inputs = {"x": TensorSpec("x", "FP32", shape)}
        self.asked = 0
        self.error = error

    def infer(self, *_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return {"y": np.array([[5.0, 5.0]])}


@pytest.mark.parametrize(
    ("engine", "answer", "ask", "margins", "asked"),
    [
        (Counting(-1, 2), {"y": np.array([[0.5, 0.5]])}, True, {"y"}, 2),
        (Counting(-1, 2), {"y": np.array([[0.5, 0.5]])}, False, set(), 0),
        (Counting(-1, 2), {"y": np.array([[0.5, 0.6]])}, True, {"y"}, 0),
        (Counting(-1, 2), {"y": np.array([["a"]], object)}, True, set(), 0),
        (Counting(-1, 2, 2), {"y": np.array([[0.5, 0.5]])}, True, set(), 0),
        (Counting(-1, 2, error=ValueError("x")), {"y": np.array([[np.nan, 0.5], [1, 0]])}, True, set(), 1),
        (Counting(-1, 2), {"y": np.zeros((1, 0))}, False, set(), 0),
    ],
)
def test_a_model_is_asked_again_only_where_that_tells_and_harms_nobody(
    engine: Counting, answer: Any, ask: bool, margins: set[str], asked: int
) -> None:
    inputs = {"x": np.zeros([1, *engine.inputs["x"].shape[1:]], np.float32)}
    assert chances.margins(engine, inputs, answer, ask=ask) == margins
    assert engine.asked == asked

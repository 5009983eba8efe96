"""Real data and real models: scikit-learn's bundled breast-cancer set (569 patients, 30 measurements each)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import ModelProto
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

DIAGNOSIS = ("malignant", "benign")
ALGORITHMS = ("logistic regression", "gradient boosting")


@dataclass(frozen=True, slots=True)
class Trained:
    """One trained model: `graph` takes `[rows, 30]` FP32, gives a label `[rows]` and probabilities `[rows, 2]`."""

    algorithm: str
    graph: ModelProto
    accuracy: float


@dataclass(frozen=True, slots=True)
class Patients:
    """The data, split once and for all; the held-out part is what the demo asks about."""

    train: pd.DataFrame
    train_labels: NDArray[np.int64]
    held_out: pd.DataFrame
    held_out_labels: NDArray[np.int64]


def load() -> Patients:
    """The bundled data; nothing is fetched."""
    table, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    parts = train_test_split(table.astype(np.float32), labels.to_numpy(), test_size=0.2, random_state=7)
    train, held_out, train_labels, held_out_labels = parts
    return Patients(train, train_labels, held_out, held_out_labels)


def train(patients: Patients, algorithm: str) -> Trained:
    """Train on the one part, measure on the other, convert to ONNX."""
    estimator = _estimator(algorithm).fit(patients.train.to_numpy(), patients.train_labels)
    accuracy = float(estimator.score(patients.held_out.to_numpy(), patients.held_out_labels))
    row = patients.train.to_numpy()[:1]
    return Trained(algorithm, to_onnx(estimator, row, options={"zipmap": False}, target_opset=17), accuracy)


def _estimator(algorithm: str) -> Any:
    estimators: dict[str, BaseEstimator] = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "gradient boosting": GradientBoostingClassifier(n_estimators=60, random_state=7),
    }
    return estimators[algorithm]

"""What a data scientist does with MLflow: log a model with signature and example, register it, move an alias."""

from __future__ import annotations

import logging
import os
import warnings

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import mlflow.onnx
from e2e.demo.patients import Patients, Trained
from mlflow.models import infer_signature

EXAMPLE_ROWS = 2


def register(tracking_uri: str, name: str, trained: Trained, patients: Patients) -> str:
    """Log and register one model; gives the new version."""
    _quiet()
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name=trained.algorithm):
        mlflow.log_param("algorithm", trained.algorithm)
        mlflow.log_metric("accuracy", trained.accuracy)
        logged = mlflow.onnx.log_model(
            trained.graph,
            name="model",
            signature=infer_signature(patients.train, patients.train_labels),
            input_example=patients.train.head(EXAMPLE_ROWS),
            registered_model_name=name,
        )
    return str(logged.registered_model_version)


def move_alias(tracking_uri: str, name: str, alias: str, version: str) -> None:
    """Point `alias` to `version`."""
    mlflow.MlflowClient(tracking_uri).set_registered_model_alias(name, alias, version)


def _quiet() -> None:
    """MLflow tells at length what it guesses about environments; none of it is used here."""
    warnings.filterwarnings("ignore")
    for noisy in ("mlflow", "alembic", "onnx"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)

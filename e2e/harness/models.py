"""Real models: logistic regressions on scikit-learn's breast-cancer data, as ONNX, in a real registry."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from botocore.config import Config

STRENGTHS = (1.0, 0.05, 0.002)
"""Regularisation of each variant: three models that give three different probabilities for the same patient."""
PATIENT = 414
"""A borderline case: the variants disagree most about patients like this one."""


@dataclass(frozen=True, slots=True)
class Trained:
    """One model. `request`: an Open Inference Protocol body; `answer`: the probabilities it has to give."""

    onnx: bytes
    request: str
    answer: tuple[float, ...]
    input_name: str
    example: Any = field(repr=False)


@lru_cache
def train(variant: int) -> Trained:
    """Train variant 0, 1 or 2 and compute with ONNX Runtime, apart from the system under test, what it must answer."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _fitted(make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTHS[variant])))


def grow() -> Trained:
    """A forest of the same kind: fifty boosted trees."""
    from sklearn.ensemble import GradientBoostingClassifier

    return _fitted(GradientBoostingClassifier(n_estimators=50, random_state=0))


def _fitted(estimator: Any) -> Trained:
    import onnxruntime
    from skl2onnx import to_onnx
    from sklearn.datasets import load_breast_cancer

    features, labels = load_breast_cancer(return_X_y=True)
    features = features.astype(np.float32)
    fitted = estimator.fit(features, labels)
    graph = to_onnx(fitted, features[:1], options={"zipmap": False}, target_opset=18).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    name, example = session.get_inputs()[0].name, features[PATIENT : PATIENT + 1]
    probabilities = session.run(["probabilities"], {name: example})[0]
    tensor = {"name": name, "shape": [1, 30], "datatype": "FP32", "data": example.ravel().tolist()}
    answer = tuple(float(value) for value in probabilities.ravel())
    return Trained(graph, json.dumps({"inputs": [tensor]}), answer, name, example)


class Registry:
    """The cluster's MLflow. Artifacts are logged once for each variant, versions point to them."""

    def __init__(self, url: str) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        import mlflow
        from mlflow import MlflowClient

        warnings.filterwarnings("ignore", module="mlflow")
        mlflow.set_tracking_uri(url)
        mlflow.set_registry_uri(url)
        self.client = MlflowClient(url, url)
        self._sources: dict[int, str] = {}

    def publish(self, name: str, *variants: int) -> list[str]:
        """One new version of the registered model `name` for each variant; the versions' numbers."""
        self._ensure(name)
        sources = [self._source(variant) for variant in variants]
        made = [self.client.create_model_version(name, s, model_id=s.rpartition("/")[2]) for s in sources]
        return [str(version.version) for version in made]

    def publish_files(self, name: str, files: dict[str, bytes]) -> str:
        """A new version whose artifact is exactly `files`, whatever they are."""
        self._ensure(name)
        run = self.client.create_run(self._experiment())
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                (Path(folder) / path).write_bytes(content)
            self.client.log_artifacts(run.info.run_id, folder, "model")
        source = f"{run.info.artifact_uri}/model"
        return str(self.client.create_model_version(name, source, run_id=run.info.run_id).version)

    def alias(self, name: str, alias: str, version: str) -> None:
        """Set an alias, or move it."""
        self.client.set_registered_model_alias(name, alias, version)

    def _ensure(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _source(self, variant: int) -> str:
        if variant not in self._sources:
            import mlflow
            import onnx

            trained = train(variant)
            mlflow.set_experiment("e2e")
            signature = mlflow.models.infer_signature(trained.example, np.array([trained.answer], dtype=np.float32))
            with mlflow.start_run():
                logged = mlflow.onnx.log_model(
                    onnx.load_from_string(trained.onnx),
                    name="model",
                    signature=signature,
                    input_example=trained.example,
                    pip_requirements=[],
                )
            self._sources[variant] = logged.model_uri
        return self._sources[variant]

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name("e2e")
        return str(found.experiment_id if found else self.client.create_experiment("e2e"))


class Store:
    """The cluster's S3."""

    def __init__(self, endpoint: str, key: str, secret: str) -> None:
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    def put(self, prefix: str, files: dict[str, bytes], bucket: str = "models") -> str:
        """Lay files under a prefix; their storageUri."""
        for name, content in files.items():
            self.client.put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=content)
        return f"s3://{bucket}/{prefix}"

"""KServe's REST client, protocol v1."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

kserve: Any = importlib.import_module("kserve")


@pytest.fixture
def client() -> Any:
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v1", retries=0))


def base(pod: Pod) -> str:
    return f"http://127.0.0.1:{pod.port}"


async def test_readiness(client: Any, serving: Pod) -> None:
    assert await client.is_model_ready(base(serving), model_name="fraud") is True
    with pytest.raises(Exception, match="404"):
        await client.is_model_ready(base(serving), model_name="other")


async def test_liveness(client: Any, serving: Pod) -> None:
    assert await client.is_server_live(base(serving)) is True


async def test_predictions_are_those_of_the_model(client: Any, serving: Pod) -> None:
    rows = models.rows(4)
    answer = await client.infer(base(serving), {"instances": rows.tolist()}, model_name="fraud")
    tensor = {"name": "X", "shape": [4, 30], "datatype": "FP32", "data": rows.ravel().tolist()}
    _, by_v2 = serving.infer({"inputs": [tensor]})
    labels, chances = (output["data"] for output in by_v2["outputs"])
    assert [each["label"] for each in answer["predictions"]] == labels
    np.testing.assert_array_equal(np.ravel([each["probabilities"] for each in answer["predictions"]]), chances)


async def test_a_refusal_is_told(client: Any, serving: Pod) -> None:
    with pytest.raises(Exception, match=r"instances: \[1, 1\] is sent, the model takes \[-1, 30\]"):
        await client.infer(base(serving), {"instances": [[1]]}, model_name="fraud")

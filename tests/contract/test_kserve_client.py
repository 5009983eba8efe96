"""KServe's REST client, protocol v2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

kserve = pytest.importorskip("kserve")


@pytest.fixture
def client() -> Any:
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))


def request(count: int) -> Any:
    tensor = kserve.InferInput("X", [count, 30], "FP32")
    tensor.set_data_from_numpy(models.rows(count), binary_data=False)
    return kserve.InferRequest(model_name="fraud", infer_inputs=[tensor], request_id="r-2")


async def test_health(client: Any, serving: Pod) -> None:
    base = f"http://127.0.0.1:{serving.port}"
    assert await client.is_server_live(base)
    assert await client.is_server_ready(base)
    assert await client.is_model_ready(base, model_name="fraud")


async def test_answers_are_those_of_the_model(client: Any, serving: Pod) -> None:
    base = f"http://127.0.0.1:{serving.port}"
    answer = await client.infer(base, request(4), model_name="fraud")
    assert answer.id == "r-2"
    by_name = {output.name: output.as_numpy() for output in answer.outputs}
    assert by_name["label"].shape == (4,)
    np.testing.assert_allclose(by_name["probabilities"].sum(axis=1), np.ones(4), rtol=1e-6)

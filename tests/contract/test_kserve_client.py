"""KServe's REST client, protocol v2, and KServe's own codec as a second opinion of ours."""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime import identities, models
from tests.unit.runtime.pod import Pod

from moorage_runtime.codecs.v2.reader import Reader
from moorage_runtime.codecs.v2.request import InferRequest
from moorage_runtime.codecs.v2.writer import Writer
from moorage_runtime.config import Limits
from moorage_runtime.tensors import TensorSpec

kserve: Any = importlib.import_module("kserve")
# Theirs has no BF16, and gives text back as bytes.
BOTH = sorted(set(identities.DATATYPES) - {"BF16", "BYTES"})


@pytest.fixture
def client() -> Any:
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))


def request(count: int, *, binary: bool) -> Any:
    tensor = kserve.InferInput("X", [count, 30], "FP32")
    tensor.set_data_from_numpy(models.rows(count), binary_data=binary)
    return kserve.InferRequest(model_name="fraud", infer_inputs=[tensor], request_id="r-2")


async def test_health(client: Any, serving: Pod) -> None:
    base = f"http://127.0.0.1:{serving.port}"
    assert await client.is_server_live(base)
    assert await client.is_server_ready(base)
    assert await client.is_model_ready(base, model_name="fraud")


@pytest.mark.parametrize("binary", [False, True])
async def test_answers_are_those_of_the_model(client: Any, serving: Pod, binary: bool) -> None:
    base = f"http://127.0.0.1:{serving.port}"
    answer = await client.infer(base, request(4, binary=binary), model_name="fraud")
    assert answer.id == "r-2"
    by_name = {output.name: output.as_numpy() for output in answer.outputs}
    assert by_name["label"].shape == (4,)
    np.testing.assert_allclose(by_name["probabilities"].sum(axis=1), np.ones(4), rtol=1e-6)


@settings(deadline=None)
@given(st.sampled_from(BOTH), st.integers(1, 4), st.booleans())
def test_both_codecs_read_a_request_alike(datatype: str, rows: int, binary: bool) -> None:
    sent = kserve.InferInput("x", [rows, 2], datatype)
    sent.set_data_from_numpy(identities.values(datatype, rows), binary_data=binary or datatype == "FP16")
    body, length = kserve.InferRequest(model_name="m", infer_inputs=[sent], request_id="7").to_rest()
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    reader = Reader({"x": TensorSpec("x", datatype, (-1, 2))}, {}, Limits())
    ours = reader.read(body, length)
    np.testing.assert_array_equal(ours.inputs["x"], identities.values(datatype, rows))
    assert ours.id == "7"


@settings(deadline=None)
@given(st.sampled_from(BOTH), st.integers(1, 4), st.booleans())
def test_their_codec_reads_our_answer(datatype: str, rows: int, binary: bool) -> None:
    binary = binary or datatype == "FP16"
    wanted = identities.values(datatype, rows)
    body, length = Writer("m", "1").write(InferRequest({}, id="7", binary=("y",) if binary else ()), {"y": wanted})
    theirs = kserve.InferResponse.from_bytes(body, len(body) if length is None else length)
    assert (theirs.id, theirs.model_name) == ("7", "m")
    np.testing.assert_array_equal(theirs.outputs[0].as_numpy(), wanted)

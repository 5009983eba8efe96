"""The schema bounds each tensor; only the operator can bound their sum."""

from __future__ import annotations

import pytest
from tests.contract.crd_cases import GOOD, merged

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.api.records import Defaults, Endpoint, Resolved
from moorage_operator.desired.runtime_config import as_variable, runtime_config
from moorage_operator.errors import SpecFault


def variable(elements: int) -> str:
    tensor = {"name": "x", "shape": [elements], "datatype": "FP32", "data": [[0.123456] * elements]}
    body = merged(GOOD, {"spec": {"testRequest": {"inputs": [tensor]}}, "metadata": {"namespace": "a", "uid": "b"}})
    owner = ModelDeployment.model_validate(body)
    resolved = Resolved("models:/fraud/3", "3", "s3://models/fraud/3")
    return as_variable(runtime_config(owner, resolved, "abc", Defaults(image="i"), Endpoint()))


def test_a_large_test_request_fits() -> None:
    assert 100_000 < len(variable(12_000)) < 131_072


def test_one_that_no_process_could_start_with_is_refused_by_name() -> None:
    with pytest.raises(SpecFault) as refused:
        variable(33_000)
    assert refused.value.reason == "ObjectTooLarge"
    assert refused.value.message == (
        "spec.testRequest makes the pods' configuration 290 KiB large; at most 120 KiB fit. Send fewer elements, or "
        "leave testRequest out and log the model with an input example."
    )

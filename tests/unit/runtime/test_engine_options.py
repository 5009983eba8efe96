"""The deployment's options reach ONNX Runtime, or are refused by name; threads follow the CPU limit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest
from tests.unit.runtime import models

from moorage_operator.api.onnx import SESSION_KEYS as KEYS_OF_THE_CR
from moorage_runtime.config import Onnx
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.onnx import options
from moorage_runtime.errors import LoadFault

CHOSEN = Onnx(
    intra_op_num_threads=3,
    inter_op_num_threads=2,
    graph_optimization_level="basic",
    execution_mode="parallel",
    enable_cpu_mem_arena=False,
    enable_mem_pattern=False,
    session_config={"session.set_denormal_as_zero": "1", "session.intra_op.allow_spinning": "1"},
)


def test_every_option_reaches_the_session() -> None:
    chosen = options.session(ort, CHOSEN, 7)
    assert (chosen.intra_op_num_threads, chosen.inter_op_num_threads) == (3, 2)
    assert chosen.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert chosen.execution_mode == ort.ExecutionMode.ORT_PARALLEL
    assert (chosen.enable_cpu_mem_arena, chosen.enable_mem_pattern) == (False, False)
    assert chosen.get_session_config_entry("session.set_denormal_as_zero") == "1"
    assert chosen.get_session_config_entry("session.intra_op.allow_spinning") == "1"


def test_without_options_threads_are_those_of_the_limit_and_none_spins() -> None:
    chosen = options.session(ort, Onnx(), 7)
    assert (chosen.intra_op_num_threads, chosen.inter_op_num_threads) == (7, 1)
    assert chosen.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    for key in ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning"):
        assert chosen.get_session_config_entry(key) == "0"


def test_a_model_runs_under_any_mix_of_options(artifacts: Path) -> None:
    path, rows = artifacts / "boosting" / "model.onnx", models.rows(8)
    expected = engine.load(path, 1).infer({"X": rows})["probabilities"]
    for level, mode in itertools.product(("disable", "basic", "extended", "layout", "all"), ("sequential", "parallel")):
        told = Onnx(graph_optimization_level=level, execution_mode=mode, inter_op_num_threads=2)
        assert abs(engine.load(path, 2, told).infer({"X": rows})["probabilities"] - expected).max() < 1e-6
    assert abs(engine.load(path, 1, CHOSEN).infer({"X": rows})["probabilities"] - expected).max() < 1e-6


@pytest.mark.parametrize("key", sorted(options.SESSION_KEYS))
def test_every_key_of_the_allow_list_takes_a_value_and_refuses_nonsense(key: str, artifacts: Path) -> None:
    value = "GeluFusion" if key.endswith("optimizers") else "1"
    told = Onnx(session_config={key: value}, intra_op_num_threads=2)
    engine.load(artifacts / "boosting" / "model.onnx", 1, told).close()
    for nonsense in ("", "1\n2", "\x00"):
        with pytest.raises(LoadFault, match="SessionOptionInvalid"):
            options.session(ort, Onnx(session_config={key: nonsense}), 1)


def test_what_the_custom_resource_lets_pass_the_runtime_takes() -> None:
    assert set(KEYS_OF_THE_CR) <= options.SESSION_KEYS


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"session_config": {"session.load_model_format": "ORT"}}, "'session.load_model_format' is not one of"),
        ({"session_config": {"ep.context_file_path": "/etc/passwd"}}, "'ep.context_file_path' is not one of"),
        ({"session_config": {"session.optimized_model_filepath": "/x"}}, "is not one of"),
        ({"session_config": {"session.model_external_initializers_file_folder_path": "/"}}, "is not one of"),
        ({"session_config": {"": "1"}}, "'' is not one of"),
        ({"session_config": {"session.disable_prepacking": "yes"}}, """takes "0" or "1", not 'yes'"""),
        (
            {"session_config": {"session.dynamic_block_base": "-4"}},
            "a whole number of at most 9 digits, not '-4'",
        ),
        ({"session_config": {"session.dynamic_block_base": "9" * 10}}, "at most 9 digits"),
        ({"graph_optimization_level": "best"}, "graphOptimizationLevel: 'best' is not one of disable, basic, extended"),
        ({"execution_mode": "random"}, "executionMode: 'random' is not one of sequential, parallel"),
        ({"intra_op_num_threads": 0}, "intraOpNumThreads: 0 is not between 1 and 256"),
        ({"inter_op_num_threads": 257}, "interOpNumThreads: 257 is not between 1 and 256"),
    ],
)
def test_an_option_that_onnx_runtime_would_misunderstand_is_refused(
    told: Mapping[str, Any], message: str, artifacts: Path
) -> None:
    with pytest.raises(LoadFault) as caught:
        engine.load(artifacts / "boosting" / "model.onnx", 1, Onnx(**told))
    assert caught.value.reason == "SessionOptionInvalid"
    assert message in caught.value.message


def test_a_provider_that_this_build_lacks_is_named_with_those_it_has(artifacts: Path) -> None:
    wanted = Onnx(execution_providers=("CUDAExecutionProvider", "CPUExecutionProvider"))
    with pytest.raises(LoadFault) as caught:
        engine.load(artifacts / "boosting" / "model.onnx", 1, wanted)
    assert caught.value.reason == "ExecutionProviderMissing"
    assert caught.value.message.startswith("this build of ONNX Runtime has no CUDAExecutionProvider; it has ")
    assert "CPUExecutionProvider" in caught.value.message.partition(";")[2]


def test_a_provider_that_does_not_start_is_named() -> None:
    with pytest.raises(LoadFault, match=r"Xnnpack.* did not start on this machine; CPUExecutionProvider did"):
        options.started(["XnnpackExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"])
    options.started(["CPUExecutionProvider"], ["CPUExecutionProvider"])


def test_providers_keep_their_order_and_none_means_the_cpu() -> None:
    assert options.providers(["B", "A"], ["A", "B"]) == ["B", "A"]
    assert options.providers([], ["A"]) == ["CPUExecutionProvider"]

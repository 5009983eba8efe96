"""Every kind of value that an ONNX model may take or give: served as a V2 tensor, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.graphs import BF16, FLOAT, FP16, INT64, TEXT, node, optional, save, sequence, tensor, weight

from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.engine import Cancel, Streaming
from moorage_runtime.engines.onnx.ranks import without_rank
from moorage_runtime.errors import LoadFault, RequestFault
from moorage_runtime.tensors import Array, TensorSpec, datatype_of, dtype_of, zeros


def floats(*rows: list[float]) -> Array:
    return np.array(rows, np.float32)


def test_bfloat16_goes_in_and_out(tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], ["a"], to=FLOAT), node("Add", ["a", "a"], ["b"]), node("Cast", ["b"], ["y"], to=BF16)]
    loaded = engine.load(save(tmp_path, nodes, [tensor("x", BF16)], [tensor("y", BF16)]), 1)
    assert loaded.inputs["x"] == TensorSpec("x", "BF16", (-1, 2))
    rows = np.array([[1.5, -2.0], [0.25, 3e38]], ml_dtypes.bfloat16)
    (answer,) = loaded.infer({"x": np.asfortranarray(rows)}).values()
    assert answer.dtype == dtype_of("BF16")
    assert answer.tolist() == [[3.0, -4.0], [0.5, float("inf")]]
    assert loaded.infer({"x": rows[:0]})["y"].shape == (0, 2)


def test_bfloat16_stands_beside_other_numbers(tmp_path: Path) -> None:
    nodes = [node("Cast", ["x"], ["y"], to=BF16), node("Neg", ["x"], ["z"])]
    path = save(tmp_path, nodes, [tensor("x")], [tensor("y", BF16), tensor("z")])
    answer = engine.load(path, 1).infer({"x": floats([1.5, 2.5])})
    assert (answer["y"].tolist(), answer["z"].tolist()) == ([[1.5, 2.5]], [[-1.5, -2.5]])
    assert engine.load(path, 1).infer({"x": floats([1.5, 2.5])}, ["z"]).keys() == {"z"}


def test_bfloat16_beside_text_is_refused(tmp_path: Path) -> None:
    nodes = [node("Identity", ["x"], ["y"]), node("Identity", ["t"], ["u"])]
    path = save(tmp_path, nodes, [tensor("x", BF16), tensor("t", TEXT)], [tensor("y", BF16), tensor("u", TEXT)])
    with pytest.raises(LoadFault, match="BF16 together with text") as caught:
        engine.load(path, 1)
    assert caught.value.reason == "TensorUnsupported"


def test_bfloat16_has_a_name_a_dtype_and_zeros() -> None:
    spec = TensorSpec("x", "BF16", (-1, 3))
    assert datatype_of(zeros(spec)) == "BF16"
    assert zeros(spec).shape == (1, 3)
    with pytest.raises(KeyError):
        datatype_of(np.zeros(1, np.complex64))


def test_half_precision_goes_in_and_out(tmp_path: Path) -> None:
    loaded = engine.load(save(tmp_path, [node("Neg", ["x"], ["y"])], [tensor("x", FP16)], [tensor("y", FP16)]), 1)
    answer = loaded.infer({"x": np.array([[1, -2]], np.float16)})["y"]
    assert (datatype_of(answer), answer.tolist()) == ("FP16", [[-1.0, 2.0]])


def splitting(folder: Path) -> Any:
    """Cuts `x` into parts of `lengths` rows, as a sequence."""
    path = save(
        folder,
        [node("SplitToSequence", ["x", "lengths"], ["parts"], axis=0), node("Neg", ["x"], ["y"])],
        [tensor("x"), tensor("lengths", INT64, ["m"])],
        [sequence("parts", 1, None), tensor("y")],
    )
    return engine.load(path, 1)


def test_a_sequence_of_equal_tensors_is_one_tensor(tmp_path: Path) -> None:
    loaded = splitting(tmp_path)
    rows = floats([1, 2], [3, 4], [5, 6], [7, 8])
    answer = loaded.infer({"x": rows, "lengths": np.array([2, 2])})
    assert answer["parts"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert loaded.infer({"x": rows, "lengths": np.array([2, 2])}, ["y"]).keys() == {"y"}


def test_a_sequence_of_unequal_tensors_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match=r"output 'parts' .* different shapes, such as \[1, 2\], \[2, 2\]") as caught:
        splitting(tmp_path).infer({"x": floats([1, 2], [3, 4], [5, 6]), "lengths": np.array([1, 2])})
    assert caught.value.reason == "OutputUnsupported"


def test_maps_tell_their_keys(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        [node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_strings=["b", "a"])],
        [tensor("x")],
        [sequence_of_maps("y")],
    )
    loaded = engine.load(path, 1)
    assert loaded.outputs["y"] == TensorSpec("y", "FP32", (-1, -1))
    answer = loaded.infer({"x": floats([0.25, 0.75], [1, 0])})["y"]
    columns = loaded.classes["y"]
    assert sorted(columns) == ["a", "b"]
    assert answer[:, columns.index("b")].tolist() == [0.25, 1.0]
    assert answer[:, columns.index("a")].tolist() == [0.75, 0.0]
    assert loaded.infer({"x": floats([0, 0])[:0]})["y"].shape[0] == 0


def sequence_of_maps(name: str) -> Any:
    from onnx import TypeProto, helper

    kind = TypeProto()
    kind.sequence_type.elem_type.map_type.key_type = TEXT
    kind.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type = 1
    return helper.make_value_info(name, kind)


@pytest.mark.parametrize(
    ("nodes", "inputs", "outputs", "told"),
    [
        (
            [node("ConcatFromSequence", ["x"], ["y"], axis=0)],
            [sequence("x", 1, None)],
            [tensor("y")],
            "input 'x' is a seq(tensor(float))",
        ),
        (
            [node("OptionalGetElement", ["x"], ["y"])],
            [optional("x")],
            [tensor("y", shape=[2])],
            "input 'x' is a optional(tensor(float))",
        ),
        (
            [node("Optional", ["x"], ["y"])],
            [tensor("x", shape=[2])],
            [optional("y")],
            "output 'y' is a optional(tensor(float))",
        ),
    ],
)
def test_what_is_no_tensor_is_refused_by_name(nodes: Any, inputs: Any, outputs: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(LoadFault) as caught:
        engine.load(save(tmp_path, nodes, inputs, outputs), 1)
    assert caught.value.reason == "TensorUnsupported"
    assert caught.value.message.startswith(told)
    assert "BF16, BOOL, BYTES, FP16" in caught.value.message


def test_an_input_with_a_default_may_be_given_or_left_out(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        [node("Add", ["x", "w"], ["y"])],
        [tensor("x"), tensor("w", shape=[2])],
        [tensor("y")],
        [weight("w", np.ones(2, np.float32))],
    )
    loaded = engine.load(path, 1)
    assert loaded.inputs.keys() == {"x"}
    assert loaded.optional == {"w": TensorSpec("w", "FP32", (2,))}
    assert loaded.infer({"x": floats([1, 2])})["y"].tolist() == [[2, 3]]
    assert loaded.infer({"x": floats([1, 2]), "w": np.array([5, 6], np.float32)})["y"].tolist() == [[6, 8]]


def texts(folder: Path) -> Any:
    return engine.load(save(folder, [node("Identity", ["t"], ["u"])], [tensor("t", TEXT)], [tensor("u", TEXT)]), 1)


@pytest.mark.parametrize(
    "given",
    [
        np.array([["ä", "b\x00c"]], object),
        np.array([["ä".encode(), b"b\x00c"]], object),
        np.array([["ä", "b\x00c"]], "U"),
        np.array([["ä".encode(), "b\x00c"]], object),
    ],
)
def test_text_may_come_as_text_or_as_bytes(given: Array, tmp_path: Path) -> None:
    assert texts(tmp_path).infer({"t": given})["u"].tolist() == [["ä", "b\x00c"]]


@pytest.mark.parametrize(("given", "told"), [(b"\xff", "'t' holds bytes that are no UTF-8"), ("\ud800", "surrogates")])
def test_text_that_is_none_is_the_clients_fault(given: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(RequestFault, match=told) as caught:
        texts(tmp_path).infer({"t": np.array([[given, given]], object)})
    assert caught.value.status == 400


def gathering(folder: Path) -> Any:
    weights = [weight("w", np.ones(3, np.float32))]
    return engine.load(
        save(
            folder,
            [node("Gather", ["w", "i"], ["y"])],
            [tensor("i", INT64, ["n"])],
            [tensor("y", shape=["n"])],
            weights,
        ),
        1,
    )


def test_a_value_that_the_model_refuses_is_the_clients_fault(tmp_path: Path) -> None:
    with pytest.raises(RequestFault) as caught:
        gathering(tmp_path).infer({"i": np.array([7])})
    assert caught.value.status == 400
    assert caught.value.message == (
        "inputs: the model refuses them: indices element out of data bounds, idx=7 must be within the inclusive range "
        "[-3,2]"
    )


def test_lengths_of_one_name_that_differ_are_the_clients_fault(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        [node("Add", ["a", "b"], ["y"])],
        [tensor("a", shape=["n"]), tensor("b", shape=["n"])],
        [tensor("y", shape=["n"])],
    )
    with pytest.raises(RequestFault, match="the length 'n' is 2 in 'a' and 3 in 'b'; it must be the same") as caught:
        engine.load(path, 1).infer({"a": np.ones(2, np.float32), "b": np.ones(3, np.float32)})
    assert caught.value.status == 400


def test_another_failure_stays_what_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = save(
        tmp_path,
        [node("Reshape", ["x", "s"], ["y"])],
        [tensor("x"), tensor("s", INT64, ["r"])],
        [tensor("y", shape=None)],
    )
    with pytest.raises(Exception, match="cannot be reshaped") as caught:
        engine.load(path, 1).infer({"x": floats([1, 2]), "s": np.array([3, 5])})
    assert not isinstance(caught.value, RequestFault)
    assert capfd.readouterr() == ("", "")


def test_several_threads_may_ask_at_once(artifacts: Path) -> None:
    loaded = engine.load(artifacts / "boosting" / "model.onnx", 1)
    rows = np.random.default_rng(0).random((64, 30), np.float32)
    alone = [loaded.infer({"X": row[None]})["probabilities"].tolist() for row in rows]
    with ThreadPoolExecutor(8) as workers:
        asked = workers.map(
            lambda row: loaded.infer(MappingProxyType({"X": row[None]}))["probabilities"].tolist(), rows
        )
    assert list(asked) == alone


def test_an_input_without_a_shape_is_refused_and_a_scalar_is_none(tmp_path: Path) -> None:
    path = save(
        tmp_path, [node("Mul", ["x", "s"], ["y"])], [tensor("x", shape=None), tensor("s", shape=[])], [tensor("y")]
    )
    with pytest.raises(LoadFault, match="input 'x' has no shape; export it with one") as caught:
        engine.load(path, 1)
    assert caught.value.reason == "TensorUnsupported"
    scaled = engine.load(
        save(tmp_path, [node("Mul", ["x", "s"], ["y"])], [tensor("x"), tensor("s", shape=[])], [tensor("y")]), 1
    )
    assert scaled.inputs["s"].shape == ()
    assert scaled.infer({"x": floats([1, 2]), "s": np.array(3, np.float32)})["y"].tolist() == [[3, 6]]


@given(st.binary(max_size=80))
def test_no_file_makes_the_walk_for_ranks_fail(content: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert without_rank(Path(file.name)) is not None


def test_an_engine_that_answers_in_parts_is_told_apart(tmp_path: Path) -> None:
    class Counting:
        """Gives one number after the other."""

        def stream(
            self, inputs: Mapping[str, Array], outputs: Sequence[str] | None = None, cancel: Cancel | None = None
        ) -> Iterator[Mapping[str, Array]]:
            for number in range(int(inputs["n"][0])):
                if cancel is not None and cancel.called:
                    return
                yield {"y": np.array([number])}

    cancel, counting = Cancel(), Counting()
    assert isinstance(counting, Streaming)
    assert not isinstance(texts(tmp_path), Streaming)
    parts = counting.stream({"n": np.array([5])}, None, cancel)
    assert [next(parts)["y"].tolist(), next(parts)["y"].tolist()] == [[0], [1]]
    cancel()
    assert list(parts) == []

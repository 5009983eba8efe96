"""The kernel answers what ONNX Runtime answers in one thread, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runtime.trees import forests, trained
from tests.unit.runtime.trees.forests import Grown
from tests.unit.runtime.trees.reference import reference

from moorage_runtime.config import Onnx
from moorage_runtime.engines import onnx as engine
from moorage_runtime.engines.onnx.session import TREES, OnnxEngine
from moorage_runtime.tensors import Array

pytest.importorskip("moorage_runtime.engines.onnx.trees.kernel", reason="the runtime is not compiled")


def assert_same(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> None:
    assert wanted.keys() == got.keys()
    for name, array in wanted.items():
        assert got[name].shape == array.shape
        if array.dtype == object:
            assert got[name].tolist() == array.tolist()
        else:
            assert got[name].dtype == array.dtype
            assert got[name].tobytes() == array.tobytes()


def ask(loaded: OnnxEngine, rows: Array) -> dict[str, Array]:
    (source,) = loaded.inputs
    return loaded.infer({source: rows})


@settings(max_examples=300)
@given(
    st.one_of(forests.classifiers_of_two(), forests.classifiers_of_many(), forests.regressors()),
    st.integers(0, 2**20),
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
)
def test_any_forest_of_the_kinds_it_knows(grown: Grown, seed: int, sizes: list[int]) -> None:
    with TemporaryDirectory() as folder:
        path = grown.save(Path(folder))
        loaded, alone = engine.load(path, 1), reference(path)
        assert loaded.kernel == TREES
        for at, size in enumerate(sizes):
            rows = forests.rows(size, seed + at)
            assert_same(alone(rows), ask(loaded, rows))


@pytest.mark.parametrize("name", trained.MODELS)
def test_what_scikit_learn_and_its_like_write(name: str, tmp_path: Path) -> None:
    path = trained.save(name, tmp_path)
    loaded, alone = engine.load(path, 1), reference(path)
    assert loaded.kernel == TREES
    for size in (*range(1, 36), 500):
        rows = trained.rows(size, size)
        assert_same(alone(rows), ask(loaded, rows))


def test_rows_of_a_large_batch_are_shared_among_threads(tmp_path: Path) -> None:
    path = trained.save("boosting of three", tmp_path)
    rows = trained.rows(60_000, 7)
    wanted = reference(path)(rows)
    for loaded in (engine.load(path, 3), engine.load(path, 1, Onnx(intra_op_num_threads=3))):
        assert loaded.kernel == TREES
        assert_same(wanted, ask(loaded, rows))
        assert_same({name: array[:5] for name, array in wanted.items()}, ask(loaded, rows[:5]))


def test_threads_may_ask_at_once(tmp_path: Path) -> None:
    path = trained.save("boosting of two", tmp_path)
    loaded, alone = engine.load(path, 2), reference(path)
    batches = [trained.rows(size, size) for size in (1, 40, 30_000, 7, 16, 25_000, 17, 9_000)]
    wanted = [alone(rows) for rows in batches]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for told, got in zip(wanted, pool.map(lambda rows: ask(loaded, rows), batches), strict=True):
                assert_same(told, got)


def test_some_outputs_in_any_order(tmp_path: Path) -> None:
    path = trained.save("boosting of two", tmp_path)
    loaded, rows = engine.load(path, 1), trained.rows(3, 0)
    both = ask(loaded, rows)
    turned = loaded.infer({"X": rows}, ["probabilities", "label"])
    assert list(turned) == ["probabilities", "label"]
    assert_same({"label": both["label"]}, loaded.infer({"X": rows}, ["label"]))


def test_a_map_of_classes_is_a_table_with_names(tmp_path: Path) -> None:
    loaded = engine.load(trained.save("forest with a map", tmp_path), 1)
    answer = ask(loaded, trained.rows(4, 0))
    assert answer["output_probability"].shape == (4, 2)
    assert loaded.classes == {"output_probability": ("no", "yes")}
    assert set(answer["output_label"].tolist()) <= {"no", "yes"}


def test_rows_that_do_not_fit_are_refused_as_ever(tmp_path: Path) -> None:
    loaded = engine.load(trained.save("boosting of two", tmp_path), 1)
    rows = trained.rows(6, 0)
    assert_same(ask(loaded, rows[::2].copy()), ask(loaded, rows[::2]))
    assert_same(ask(loaded, rows), ask(loaded, np.asfortranarray(rows)))
    assert ask(loaded, rows[:0])["probabilities"].shape[0] == 0
    unaligned = np.frombuffer(b"x" + rows.tobytes(), np.float32, offset=1).reshape(rows.shape)
    assert_same(ask(loaded, rows), ask(loaded, unaligned))
    for wrong in (rows[:, :4], rows.astype(np.float64), rows[0], rows[None], np.array(1, np.float32)):
        with pytest.raises(Exception, match="inputs: the model refuses them"):
            ask(loaded, wrong)
    with pytest.raises(Exception, match="nonsense"):
        loaded.infer({"X": rows}, ["nonsense"])

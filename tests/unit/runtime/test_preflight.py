"""What is told of an artifact before anything serves it: each no has a name, its numbers and a cure."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tests.unit.runtime import graphs, stores
from tests.unit.runtime.pod import Pod

from moorage_runtime import artifact, cgroups, config, termination
from moorage_runtime.config import DownloadReport, Feature, Limits, RuntimeConfig, Schema, Source, Tensor
from moorage_runtime.engines import onnx as engine
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import graph, preflight, reasons
from moorage_runtime.storage.download import download
from moorage_runtime.storage.store import Entry

MIB = 1 << 20
WHOLE = graphs.model(100)


def refusal(folder: Path, places: Places, memory: int | None = None, **changes: Any) -> ArtifactFault:
    configuration = RuntimeConfig(model="m", version="1", revision="r", source=Source(uri=folder.as_uri()), **changes)
    with pytest.raises(ArtifactFault) as caught:
        download(configuration, places, memory)
    assert not artifact.tree(places.model_dir).exists()
    return caught.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "claim"
    found.mkdir()
    return found


def test_the_versions_are_those_of_the_engine_in_the_lock(tmp_path: Path) -> None:
    assert onnxruntime.__version__ == preflight.ENGINE
    assert loads(tmp_path, {"": preflight.OPSETS[""]}, preflight.IR_VERSION)
    assert not loads(tmp_path, {"": 18}, preflight.IR_VERSION + 1)
    for domain, newest in preflight.OPSETS.items():
        if domain != "ai.onnx":
            assert loads(tmp_path, {"": 18, domain: newest}, 9), domain
            assert not loads(tmp_path, {"": 18, domain: newest + 1}, 9), domain


def test_a_domain_that_no_operator_uses_disturbs_nobody(tmp_path: Path) -> None:
    assert loads(tmp_path, {"": 18, "com.acme": 7}, 9)
    preflight.runs(graph.read(tmp_path / "model.onnx"), "model.onnx")


def loads(folder: Path, opsets: dict[str, int], ir_version: int) -> bool:
    made = onnx.load_from_string(graphs.model())
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in opsets.items())
    made.ir_version = ir_version
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    onnxruntime.set_default_logger_severity(4)
    try:
        onnxruntime.InferenceSession(str(path))
    except Exception:
        return False
    return True


def test_a_model_of_the_newest_exporter_is_told_which_opset_to_use(folder: Path, places: Places) -> None:
    (folder / "model.onnx").write_bytes(graphs.model(opset=28))
    fault = refusal(folder, places)
    assert fault.reason == reasons.ONNX_VERSION_UNSUPPORTED
    assert fault.message == (
        "model.onnx uses opset 28 of ai.onnx, and the newest that ONNX Runtime 1.31.1 knows is 26; export the model "
        "for opset 26 (ai.onnx.ml 5) and IR version 13 or older, and log it again"
    )


def test_a_newer_file_format_is_named(folder: Path, places: Places) -> None:
    (folder / "model.onnx").write_bytes(graphs.model(ir_version=14))
    assert refusal(folder, places).message.startswith("model.onnx has IR version 14, and the newest that")


def test_of_another_engine_nothing_is_claimed(folder: Path, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "model.onnx").write_bytes(graphs.model(opset=28))
    monkeypatch.setattr(preflight, "ENGINE", "9.9.9")
    configuration = RuntimeConfig(model="m", version="1", revision="r", source=Source(uri=folder.as_uri()))
    assert download(configuration, places).files == 1


def foreign(inside: bool) -> Any:
    """A graph with an operator that nobody has, at the top or in a branch."""
    strange = graphs.node("Rank", ["x"], ["y"], domain="com.acme")
    if not inside:
        return helper.make_graph([strange], "g", [graphs.tensor("x")], [graphs.tensor("y")])
    branch = helper.make_graph([strange], "then", [], [graphs.tensor("y")])
    nodes = [graphs.node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch)]
    inputs = [graphs.tensor("x"), graphs.tensor("flag", TensorProto.BOOL, [])]
    return helper.make_graph(nodes, "g", inputs, [graphs.tensor("y")])


def save(folder: Path, made: Any, **more: Any) -> None:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.acme", 1)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=9, **more), str(folder / "model.onnx"))


@pytest.mark.parametrize("inside", [False, True])
def test_an_operator_of_nobody_is_named(folder: Path, places: Places, inside: bool) -> None:
    save(folder, foreign(inside))
    fault = refusal(folder, places)
    assert fault.reason == reasons.OPERATOR_UNSUPPORTED
    assert fault.message == (
        "model.onnx needs operators that ONNX Runtime 1.31.1 does not have: 'com.acme.Rank'; export the model with "
        "standard operators"
    )


def test_an_operator_that_the_file_defines_itself_is_fine(folder: Path) -> None:
    body = [graphs.node("Identity", ["x"], ["y"])]
    own = helper.make_function("com.acme", "Rank", ["x"], ["y"], body, [helper.make_opsetid("", 18)])
    save(folder, foreign(inside=False), functions=[own])
    preflight.runs(graph.read(folder / "model.onnx"), "model.onnx")
    assert engine.load(folder / "model.onnx", 1).inputs.keys() == {"x"}


def with_weights_beside(folder: Path) -> None:
    made = onnx.load_from_string(graphs.model(MIB))
    onnx.save(made, str(folder / "model.onnx"), save_as_external_data=True, location="weights.bin")


def test_weights_that_were_left_behind_are_missed_before_the_rest_comes(folder: Path, places: Places) -> None:
    with_weights_beside(folder)
    (folder / "weights.bin").rename(folder / "other.bin")
    fault = refusal(folder, places)
    assert fault.reason == reasons.EXTERNAL_DATA_MISSING
    assert fault.message.startswith("model.onnx keeps weights in 'weights.bin', which the artifact does not have;")
    landed = [path.stat().st_size for path in (places.model_dir / artifact.FETCHING).iterdir()]
    assert max(landed) < MIB


def test_weights_outside_of_the_folder_are_missing_too(folder: Path, places: Places) -> None:
    (folder / "sub").mkdir()
    with_weights_beside(folder / "sub")
    made = onnx.load(str(folder / "sub" / "model.onnx"), load_external_data=False)
    for entry in made.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = "../../../etc/passwd"
    (folder / "sub" / "model.onnx").write_bytes(made.SerializeToString())
    assert refusal(folder, places).reason == reasons.EXTERNAL_DATA_MISSING


def test_weights_beside_are_found_and_counted(folder: Path, places: Places) -> None:
    with_weights_beside(folder)
    fault = refusal(folder, places, memory=preflight.BARE_BYTES + MIB)
    assert fault.reason == reasons.MEMORY_TOO_SMALL
    configuration = RuntimeConfig(model="m", version="1", revision="r", source=Source(uri=folder.as_uri()))
    assert download(configuration, places, preflight.BARE_BYTES + 2 * MIB).files == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x08\x0a this is no graph" * 40, id="garbage"),
        pytest.param(b"<html>404</html>", id="a page"),
        pytest.param(graphs.model(1000)[:-600], id="cut short"),
        pytest.param(b"\x08\x09", id="no graph"),
    ],
)
def test_what_is_no_whole_model_is_told_before_anything_starts(folder: Path, places: Places, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    fault = refusal(folder, places)
    assert (fault.reason, fault.retriable) == (reasons.ARTIFACT_CORRUPT, False)
    assert "model.onnx is no whole ONNX model" in fault.message


def test_other_content_than_the_pinned_is_told_as_such_whatever_else_is_wrong_with_it(
    folder: Path, places: Places
) -> None:
    (folder / "model.onnx").write_bytes(b"garbage")
    assert refusal(folder, places, digest="sha256:" + "0" * 64).reason == reasons.DIGEST_MISMATCH


def test_a_model_that_memory_cannot_hold_is_not_even_fetched(places: Places) -> None:
    (places.credentials_dir / "AWS_ACCESS_KEY_ID").write_text("key")
    (places.credentials_dir / "AWS_SECRET_ACCESS_KEY").write_text("secret")
    with stores.running(stores.S3) as store:
        store.objects["fraud/1/model.onnx"] = graphs.model(20 * MIB)
        source = Source(uri="s3://models/fraud/1", endpoint=store.url)
        with pytest.raises(ArtifactFault) as caught:
            download(RuntimeConfig(model="m", version="1", revision="r", source=source), places, 32 * MIB)
        assert caught.value.reason == reasons.MEMORY_TOO_SMALL
        assert caught.value.message == (
            "the model is 20.0 MiB, and the memory limit of the container is 32.0 MiB; set "
            "spec.resources.limits.memory to 137Mi or more, as weights lie in memory twice while they are loaded"
        )
        assert not any("GET /models/fraud" in line for line in store.seen)


def test_a_format_that_is_not_served_costs_the_mlmodel_alone(places: Places) -> None:
    (places.credentials_dir / "AWS_ACCESS_KEY_ID").write_text("key")
    (places.credentials_dir / "AWS_SECRET_ACCESS_KEY").write_text("secret")
    with stores.running(stores.S3) as store:
        store.objects |= {"fraud/1/a.pkl": b"x" * MIB, "fraud/1/MLmodel": b"flavors: {sklearn: {}}"}
        source = Source(uri="s3://models/fraud/1", endpoint=store.url)
        with pytest.raises(ArtifactFault, match="FormatUnsupported"):
            download(RuntimeConfig(model="m", version="1", revision="r", source=source), places)
        assert [line for line in store.seen if "GET /models/fraud" in line and ".pkl" in line] == []


def test_more_than_one_file_can_hold_is_told_how_to_be_saved() -> None:
    with pytest.raises(ArtifactFault, match=r"ArtifactTooLarge.*save_as_external_data=True"):
        preflight.size(Entry(path="model.onnx", size=2**31), (), None)


def test_more_than_is_allowed_is_told_in_numbers(folder: Path, places: Places) -> None:
    (folder / "model.onnx").write_bytes(graphs.model(MIB))
    (folder / "notes").write_bytes(b"x" * 100)
    fault = refusal(folder, places, limits=Limits(artifact_bytes=MIB))
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert fault.reason == reasons.ARTIFACT_TOO_LARGE
    assert fault.message.startswith(f"the artifact has {total} bytes in 2 files, and at most {MIB} are allowed;")


def test_a_disk_without_room_is_told_before_it_is_full(
    folder: Path, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "model.onnx").write_bytes(graphs.model(MIB))
    free = shutil._ntuple_diskusage(10 * MIB, 10 * MIB, MIB // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    fault = refusal(folder, places)
    assert fault.reason == reasons.DISK_FULL
    assert fault.message.startswith("1.0 MiB are still to come, and the node's disk has 512.0 KiB left")


def test_what_is_read_from_the_file_is_what_the_engine_says(artifacts: Path) -> None:
    for path in sorted(artifacts.rglob("*.onnx")):
        loaded, read = engine.load(path, 1), graph.read(path)
        for told, known in ((read.inputs, loaded.inputs), (read.outputs, loaded.outputs)):
            assert {each.name: (each.datatype, each.shape) for each in told} == {
                name: (spec.datatype, spec.shape) for name, spec in known.items()
            }, path


def test_an_input_with_a_default_may_be_left_out(tmp_path: Path) -> None:
    default = graphs.weight("limit", np.ones((), np.float32))
    path = graphs.save(
        tmp_path,
        [graphs.node("Add", ["x", "limit"], ["y"])],
        [graphs.tensor("x"), graphs.tensor("limit", shape=[])],
        [graphs.tensor("y")],
        [default],
    )
    assert graph.read(path).inputs == (Tensor("x", "FP32", (-1, 2)), Tensor("limit", "FP32", (), optional=True))
    assert set(engine.load(path, 1).optional) == {"limit"}


def test_the_report_carries_what_clients_rely_on(artifacts: Path, pod: Callable[..., Pod]) -> None:
    made = pod(f"file://{artifacts / 'boosting'}")
    assert made.download().returncode == 0
    report = config.decode_download((made.folder / "termination").read_bytes())
    assert report is not None
    assert report.model_schema == Schema(
        inputs=(Tensor("X", "FP32", (-1, 30)),),
        outputs=(Tensor("label", "INT64", (-1,)), Tensor("probabilities", "FP32", (-1, 2))),
        classes=(0, 1),
    )
    assert made.download().returncode == 0, "what lies there already is reported alike"
    again = config.decode_download((made.folder / "termination").read_bytes())
    assert again is not None
    assert again.model_schema == report.model_schema


def wide(features: int, tensors: int, classes: int) -> DownloadReport:
    return DownloadReport(
        digest="sha256:" + "0" * 64,
        model_schema=Schema(
            inputs=tuple(Tensor(f"input number {number}", "FP32", (-1, 30)) for number in range(tensors)),
            features=tuple(Feature(f"a long name of feature {number}", "double") for number in range(features)),
            classes=tuple(range(classes)),
        ),
    )


@pytest.mark.parametrize(
    ("report", "left"),
    [
        (wide(30, 1, 2), ("inputs", "features", "classes")),
        (wide(30, 1, 2000), ("inputs", "features")),
        (wide(200, 1, 2000), ("inputs",)),
        (wide(0, 500, 2), ()),
    ],
)
def test_a_schema_without_room_is_left_out_part_by_part(report: DownloadReport, left: tuple[str, ...]) -> None:
    text = termination.fitted(report)
    assert len(text) <= config.TERMINATION_BYTES
    found = config.decode_download(text)
    assert found is not None
    assert found.model_schema is not None
    assert found.digest == report.digest
    told = {part for part in ("inputs", "features", "classes") if getattr(found.model_schema, part) is not None}
    assert told == set(left)
    assert found.model_schema.cut == (len(left) < 3)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 3000))
def test_the_last_word_always_fits(features: int, tensors: int, classes: int) -> None:
    text = termination.fitted(wide(features, tensors, classes))
    assert len(text) <= config.TERMINATION_BYTES
    assert config.decode_download(text) is not None


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 400))
def test_no_bytes_make_the_walk_fail_in_another_way(noise: bytes, start: int, end: int) -> None:
    with tempfile.NamedTemporaryFile() as file, contextlib.suppress(ValueError):
        file.write((WHOLE[:start] + noise + WHOLE[max(start, end) :]) or b"x")
        file.flush()
        graph.read(Path(file.name))


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"memory.max": "536870912\n"}, 536870912),
        ({"memory.max": "max\n"}, None),
        ({"memory.max": "max\n", "kubepods/memory.max": "1000\n", "kubepods/pod/memory.max": "2000\n"}, 1000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ({"memory/memory.limit_in_bytes": "1048576\n"}, 1048576),
        ({}, None),
    ],
)
def test_the_memory_limit_is_the_narrowest(tmp_path: Path, files: dict[str, str], limit: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    own = tmp_path / "own"
    own.write_text("0::/kubepods/pod\n")
    assert cgroups.memory(tmp_path, own) == limit

"""`moorage run` and `moorage serve`, as a person at a laptop uses them: real processes, the lines they print."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from tests.ports import free_port
from tests.unit.runtime.command import CALL, Command
from tests.unit.runtime.pod import RUNTIME, ask

from moorage_runtime.commands import target, units
from moorage_runtime.errors import RuntimeFault

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    made: list[Command] = []

    def make(*arguments: str) -> Command:
        made.append(Command(tmp_path, *arguments))
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            assert each.end() == 0


def test_a_file_is_served_and_the_printed_curl_line_works(artifacts: Path, command: Callable[..., Command]) -> None:
    running = command("run", str(artifacts / "boosting" / "model.onnx"), "--name", "fraud")
    text = running.printed("Ctrl-C")
    assert f"fraud version local is served at http://127.0.0.1:{running.port}" in text
    line = text.split("ask it")[1].splitlines()[0]
    answer = json.loads(subprocess.run(shlex.split(line), capture_output=True, check=True).stdout)
    assert answer["model_name"] == "fraud"
    assert len(answer["outputs"]) == 2


def test_a_resource_is_served_from_a_folder_that_stands_for_its_claim(
    artifacts: Path, tmp_path: Path, command: Callable[..., Command]
) -> None:
    document = {
        "kind": "ModelDeployment",
        "metadata": {"name": "cancer"},
        "spec": {"model": {"storageUri": "pvc://claim/boosting"}, "minReplicas": 3, "cache": {"maxEntries": 5}},
    }
    file = tmp_path / "cancer.yaml"
    file.write_text(json.dumps(document))
    running = command("run", str(file), "--claim", f"claim={artifacts}")
    text = running.printed("Ctrl-C")
    assert "without a cluster these have no effect: minReplicas" in text
    assert "answered its test request (inputExample)" in text
    body = text.split("-d '")[1].split("'")[0].encode()
    seen = [ask(running.port, "POST", "/v2/models/cancer/infer", body)[1]["x-cache"] for _ in range(2)]
    assert seen == ["MISS", "HIT"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "nowhere.onnx"], "ModelNotFound: nowhere.onnx: there is no such file or folder"),
        (["run", "pvc://claim/x"], "ClaimUnknown: pvc://claim/x: say which folder it is with --claim claim=FOLDER"),
        (
            ["run", "s3://bucket/model"],
            "CredentialsMissing: no credentials for the S3 store: set AWS_ACCESS_KEY_ID and",
        ),
        (["run", "models:/fraud@champion"], "RegistryUnset: models:/fraud@champion needs a registry"),
        (["run", "models:/fraud"], "UriInvalid: models:/fraud: write models:/NAME/VERSION or models:/NAME@ALIAS"),
        (["serve", ".", "--max-bytes", "lots"], "SpecInvalid: --max-bytes: 'lots' is no quantity of bytes"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(tmp_path: Path, arguments: list[str], text: str) -> None:
    ports = [f"--{name}={free_port()}" for name in ("port", "admin-port", "grpc-port")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW", "AWS"))}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", CALL, *arguments, *ports],
        env={**environment, "PYTHONPATH": str(RUNTIME)}, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_many_models_come_go_reload_and_make_room(
    artifacts: Path, tmp_path: Path, command: Callable[..., Command]
) -> None:
    shelf = tmp_path / "models"
    for name in ("a", "b/1", "c"):
        copytree(artifacts / "boosting", shelf / name)
    running = command("serve", str(shelf), "--max-models", "2")
    assert "c -  UNAVAILABLE waiting" in running.printed("Ctrl-C")
    assert running.get("/v2/models/c")[0] == 503
    _until(lambda: running.get("/v2/models/c")[0] == 200)
    states = {row["name"]: row["reason"] for row in running.order("/v2/repository/index")[1]}
    assert sorted(states.values()) == ["", "", "evicted"]
    copytree(artifacts / "boosting", shelf / "b" / "2")
    assert running.order("/v2/repository/models/b/load") == (200, {})
    assert running.get("/v2/models/b")[1]["versions"] == ["2"]
    (shelf / "b" / "3").mkdir()
    (shelf / "b" / "3" / "model.onnx").write_text("no model")
    status, refusal = running.order("/v2/repository/models/b/load")
    assert (status, refusal["error"].split(":")[0]) == (422, "ArtifactCorrupt")
    assert "WARNING model not loaded: model=b, reason=ArtifactCorrupt, detail=" in running.output.read_text()
    assert running.get("/v2/models/b")[1]["versions"] == ["2"]
    assert running.order("/v2/repository/models/b/unload") == (200, {})
    assert running.get("/v2/models/b") == (503, {"error": "the model is not loaded: unloaded"})
    assert "retry-after" not in ask(running.port, "GET", "/v2/models/b")[1]
    assert running.order("/v2/repository/models/nobody/load")[0] == 404
    assert running.get("/v2/repository/index")[0] == 404
    told = json.loads(ask(running.admin, "GET", "/v1/models")[2])
    assert told["error"].endswith("speaks /livez, /startupz, /readyz, /metrics, /state, /v2/repository")


def test_why_a_model_is_not_served_is_told(artifacts: Path, tmp_path: Path) -> None:
    file = tmp_path / "cancer.yaml"
    model = {"storageUri": str(artifacts / "boosting"), "onnx": {"executionProviders": ["CUDAExecutionProvider"]}}
    file.write_text(json.dumps({"kind": "ModelDeployment", "spec": {"model": model}}))
    running = Command(tmp_path, "run", str(file))
    assert running.process.wait(20) == 4
    (line,) = running.output.read_text().splitlines()
    assert line.startswith("CRITICAL model not served: reason=ExecutionProviderMissing, detail=")
    assert "CUDAExecutionProvider" in line
    assert list(running.scratch.iterdir()) == []


@pytest.mark.parametrize("arguments", [["run", "model.onnx"], ["serve", "models"]])
def test_nothing_is_left_behind(artifacts: Path, tmp_path: Path, arguments: list[str]) -> None:
    copytree(artifacts / "boosting", tmp_path / "models" / "a")
    copyfile(artifacts / "boosting" / "model.onnx", tmp_path / "model.onnx")
    running = Command(tmp_path, *arguments)
    running.printed("Ctrl-C")
    assert list(running.scratch.iterdir()) != []
    assert running.end() == 0
    assert list(running.scratch.iterdir()) == []


def test_the_example_with_a_claim_runs_at_a_laptop(
    artifacts: Path, tmp_path: Path, command: Callable[..., Command]
) -> None:
    copytree(artifacts / "boosting", tmp_path / "models" / "breast-cancer")
    text = command("run", str(EXAMPLES / "claim.yaml"), "--claim", f"models={tmp_path / 'models'}").printed("Ctrl-C")
    assert "breast-cancer-claim version local is served" in text
    assert "no effect: minReplicas" in text


def test_what_many_models_do_not_take_from_a_resource_is_told(
    artifacts: Path, tmp_path: Path, command: Callable[..., Command]
) -> None:
    copytree(artifacts / "boosting", tmp_path / "models" / "a")
    (tmp_path / "full.yaml").write_text(json.dumps({"kind": "ModelDeployment", "spec": FULL}))
    text = command("serve", "models", "--like", "full.yaml").printed("Ctrl-C")
    assert "moorage: of full.yaml these have no effect: auth, env[A], model.digest, testRequest\n" in text


FULL = {
    "model": {"storageUri": "models:/x/1", "digest": f"sha256:{'0' * 64}"},
    "timeout": "2s",
    "auth": {"secretName": "keys"},
    "env": [{"name": "A", "value": "1"}],
    "testRequest": {"inputs": [{"name": "X", "shape": [1, 1], "datatype": "FP32", "data": [1]}]},
}


def test_each_of_many_models_signs_its_own_answers(
    artifacts: Path, tmp_path: Path, command: Callable[..., Command]
) -> None:
    for name in ("a/7", "b/12", "c", "d", "e"):
        copytree(artifacts / "words", tmp_path / "models" / name)
    running = command("serve", str(tmp_path / "models"))
    running.printed("Ctrl-C")
    text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["x"]}
    body = json.dumps({"inputs": [text, {"name": "number", "shape": [1, 1], "datatype": "FP64", "data": [4]}]}).encode()
    bad = b'{"inputs": []}'
    for path, sent, status, version in (
        ("/v2/models/a/infer", body, 200, "7"),
        ("/v2/models/a/infer", bad, 400, "7"),
        ("/v2/models/b/infer", body, 200, "12"),
        ("/v1/predict/b", b'{"features": {"text": "x", "number": 4}}', 200, "12"),
        ("/v1/models/a:predict", b'{"instances": [{"text": "x", "number": [4]}]}', 200, "7"),
    ):
        found, headers, answer = ask(running.port, "POST", path, sent)
        assert (found, headers.get("x-model-version"), headers.get("x-model-revision")) == (status, version, "local"), (
            path,
            answer,
        )
    assert "x-model-version" not in ask(running.port, "GET", "/v2")[1]
    assert running.get("/openapi.json")[1]["info"]["title"] == "a, b, c and 2 more"


def test_a_spec_is_read_by_its_units() -> None:
    assert units.seconds("1m30s", "f") == 90
    assert units.size("1.5Ki", "f") == 1536
    for wrong in ("", "5", "1x", None, 3):
        with pytest.raises(RuntimeFault, match="f: "):
            units.seconds(wrong, "f")
    for wrong in ("", "-1", "1 Gi", "x", True):
        with pytest.raises(RuntimeFault, match="f: "):
            units.size(wrong, "f")


def test_a_bucket_takes_its_endpoint_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = target.find("s3://models/fraud", {}, None, "7").config
    assert (found.model, found.version, found.source.endpoint) == ("fraud", "7", "http://127.0.0.1:9")


def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)

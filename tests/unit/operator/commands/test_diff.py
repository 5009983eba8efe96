"""What a file would change: between two files, and against a cluster in memory that only dry runs may touch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.rollout.small_cluster import DEFAULTS, ENDPOINT, Object, SmallCluster, custom_resource

from moorage_operator.api.records import Change, ObjectRef, Verb
from moorage_operator.cluster.kinds import BY_NAME
from moorage_operator.cluster.server import ApiError
from moorage_operator.commands import diff, live
from moorage_operator.commands.against_cluster import compared
from moorage_operator.commands.comparison import Pair, pairs, projected, text_of
from moorage_operator.commands.fields import field_changes
from moorage_operator.commands.meaning import Known
from moorage_operator.commands.problem import Refused
from moorage_operator.commands.resources import parse
from moorage_operator.settings import parse as parse_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING_SAID = Known({}, {})
SETTINGS_DATA: dict[str, Any] = {
    "runtime": {"image": DEFAULTS.image, "resources": dict(DEFAULTS.resources)},
    "registries": {"default": {"trackingUri": ENDPOINT.tracking_uri}},
    "stores": {"default": {"endpoint": ENDPOINT.endpoint, "region": ENDPOINT.region}},
}
SETTINGS = parse_settings(SETTINGS_DATA)
HEADS = ("# ", "--- ", "+++ ")


@dataclass
class Api:
    """The API of a small cluster. `denied`: no dry run is allowed."""

    cluster: SmallCluster
    denied: bool = False
    dry_runs: list[str] = field(default_factory=list)

    async def call(self, verb: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> Any:
        if verb == "GET":
            return self._get(path, query)
        assert (verb, query["dryRun"]) == ("PATCH", "All"), "nothing but a dry run may write"
        if self.denied:
            raise ApiError(403, "Forbidden", "no")
        self.dry_runs.append(path)
        tried = copy.deepcopy(self.cluster)
        ref = ObjectRef(body["kind"], body["metadata"]["name"])
        tried.write(Change(Verb.APPLY, ref, body, "changed"))
        return tried.objects[ref]

    def _get(self, path: str, query: Any) -> Any:
        if "/modeldeployments/" in path:
            if not self.cluster.owner:
                raise ApiError(404, "NotFound", "no")
            return self.cluster.owner
        assert query, "children are listed"
        kind = next(kind for kind in BY_NAME.values() if path == kind.path("risk"))
        if kind.name == "Pod":
            return {"items": list(self.cluster.pods.values())}
        return {"items": [body for ref, body in self.cluster.objects.items() if ref.kind == kind.name]}


def cluster(**spec: Any) -> SmallCluster:
    made = SmallCluster(owner=custom_resource(**spec))
    made.run(30)
    return made


def wished(**spec: Any) -> Object:
    body = custom_resource(**spec)
    body["metadata"] = {"name": "fraud", "namespace": "risk"}
    return body


async def told(api: Api, body: Object, said: Known = NOTHING_SAID) -> str:
    report = await compared(api, parse(body, "risk"), said, SETTINGS, NOW)  # type: ignore[arg-type]
    return str(report)


def lines(text: str, *starts: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(starts)]


async def test_a_file_that_says_what_lives_changes_nothing() -> None:
    api = Api(cluster(minReplicas=2))
    assert await told(api, wished(minReplicas=2)) == ""
    assert api.dry_runs == []


async def test_more_pods_need_no_new_revision() -> None:
    text = await told(Api(cluster(minReplicas=2)), wished(minReplicas=3))
    revision = lines(text, "# M")[0].split()[6].rstrip(":")
    assert lines(text, "# ") == [
        f"# ModelDeployment risk/fraud: the same revision {revision}: its pods stay",
        "# without a new revision:",
        "#   spec.minReplicas: 2 -> 3",
    ]
    assert lines(text, "-", "+") == [
        f"--- Deployment/fraud-{revision}",
        f"+++ Deployment/fraud-{revision}",
        "-  replicas: 2",
        "+  replicas: 3",
    ]


async def test_another_pod_setting_makes_a_new_revision_and_says_why() -> None:
    live = cluster(minReplicas=2)
    text = await told(Api(live), wished(minReplicas=1, timeout="5s", batcher={"maxLatency": "2ms"}))
    old = live.status["stable"]["revision"]
    first, *rest = lines(text, "# ")
    assert f"takes over from {old}, make before break, because of:" in first
    assert rest == [
        "#   spec.batcher.maxLatency: 0s -> 2ms",
        "#   spec.timeout: 60s -> 5s",
        "# without a new revision:",
        "#   spec.minReplicas: 2 -> 1",
    ]
    new = first.split("new revision ")[1].split()[0]
    assert lines(text, "--- ", "+++ ") == [
        "--- ConfigMap/fraud-routes",
        "+++ ConfigMap/fraud-routes",
        f"--- Deployment/fraud-{old}",
        f"+++ Deployment/fraud-{new}",
        "--- PodDisruptionBudget/fraud",
        "+++ /dev/null",
    ]
    assert "-            timeoutSeconds: 60.0\n+            timeoutSeconds: 5.0\n" in text


async def test_another_version_is_told_as_the_registrys_answer() -> None:
    live = cluster()
    text = await told(Api(live), wished(uri="models:/fraud/7"), Known({}, {"fraud": "mlflow-artifacts:/1/7"}))
    assert lines(text, "#   ") == [
        "#   the registry's answer.artifactUri: mlflow-artifacts:/1/1 -> mlflow-artifacts:/1/7",
        "#   the registry's answer.version: 1 -> 7",
        "#   spec.model.storageUri: models:/fraud@champion -> models:/fraud/7",
    ]


async def test_without_the_right_to_a_dry_run_the_same_lines_change() -> None:
    live, body = cluster(minReplicas=2), wished(minReplicas=3)
    allowed, denied = await told(Api(live), body), await told(Api(live, denied=True), body)
    assert lines(allowed, *HEADS) == lines(denied, *HEADS)
    assert "-  replicas: 2\n+  replicas: 3\n" in denied


async def test_what_somebody_changed_by_hand_would_be_repaired() -> None:
    live = cluster(minReplicas=2)
    live.child("Service", "fraud")["spec"]["type"] = "NodePort"
    text = await told(Api(live), wished(minReplicas=2))
    assert "-  type: NodePort\n+  type: ClusterIP\n" in text


async def test_a_resource_that_is_new_adds_its_objects() -> None:
    text = await told(Api(SmallCluster(owner={})), wished(uri="s3://models/fraud/3"))
    assert lines(text, "# ")[0].startswith("# ModelDeployment risk/fraud: is new: revision ")
    assert set(lines(text, "--- ")) == {"--- /dev/null"}
    assert {line.split("/")[0] for line in lines(text, "+++ ")} == {
        "+++ NetworkPolicy", "+++ ConfigMap", "+++ ControllerRevision", "+++ Deployment", "+++ Service",
    }  # fmt: skip


async def test_an_alias_of_a_new_resource_has_to_be_explained() -> None:
    with pytest.raises(Refused, match="only the registry knows which version"):
        await told(Api(SmallCluster(owner={})), wished())


def written(folder: Path, name: str, *bodies: Object) -> str:
    file = folder / name
    file.write_text(yaml.safe_dump_all(bodies))
    return str(file)


Compare = Callable[[list[Object], list[Object]], tuple[int, str]]


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    def run(old: list[Object], new: list[Object]) -> tuple[int, str]:
        code = diff.main([written(tmp_path, "old.yaml", *old), written(tmp_path, "new.yaml", *new)])
        return code, capsys.readouterr().out

    return run


def test_two_files_that_say_the_same(compare: Compare) -> None:
    spelled_out = wished(timeout="1m", batcher={"maxBatchSize": 64}, runtime="onnx")
    assert compare([wished(timeout="1m")], [spelled_out]) == (0, "")


def test_two_files_offline(compare: Compare) -> None:
    code, text = compare([wished()], [wished(env=[{"name": "A", "value": "1"}])])
    assert code == 1
    assert lines(text, "#   ") == ['#   spec.env: [] -> [{"name":"A","value":"1"}]']
    assert "+        - name: A\n+          value: '1'\n" in text


def test_the_same_words_for_another_alias(compare: Compare) -> None:
    code, text = compare([wished()], [wished(uri="models:/fraud@shadow")])
    assert code == 1
    assert "#   the registry's answer.version: champion -> shadow" in text


BESIDE: dict[str, Any] = {
    "shadow": {"model": {"storageUri": "models:/fraud/9"}, "percent": 20},
    "abTest": {
        "header": "x-user-id",
        "arms": [
            {"name": "b", "percent": 30, "model": {"storageUri": "models:/fraud/7"}},
            {"name": "c", "percent": 20, "model": {"storageUri": "models:/fraud/8"}},
        ],
    },
}


async def test_shadows_and_arms_that_live_change_nothing() -> None:
    api = Api(cluster(**BESIDE))
    assert await told(api, wished(**BESIDE)) == ""
    assert api.dry_runs == []


async def test_an_arm_of_another_version_is_compared_with_the_arm() -> None:
    live = cluster(**BESIDE)
    [b] = [each["revision"] for each in live.status["guests"] if each["name"] == "b"]
    first, second = BESIDE["abTest"]["arms"]
    other = {**first, "model": {"storageUri": "models:/fraud/10"}}
    test = {**BESIDE["abTest"], "arms": [other, second]}
    text = await told(Api(live), wished(**{**BESIDE, "abTest": test}))
    assert f"# arm b: a new revision {(new := text.partition('a new revision ')[2][:10])} with version 10" in text
    assert f"takes over from {b}" in text
    assert f"--- Deployment/fraud-{b}\n+++ Deployment/fraud-{new}\n" in text
    assert not lines(text, "--- /dev/null", "+++ /dev/null")
    changed = lines(text, "+  ", "-  ")
    assert any(line.endswith("version: '10'") for line in changed)


async def test_guests_come_and_go() -> None:
    text = await told(Api(cluster()), wished(**BESIDE))
    assert [line.partition(":")[0] for line in lines(text, "# the shadow", "# arm ")] == [
        "# the shadow is new",
        "# arm b is new",
        "# arm c is new",
    ]
    assert len(lines(text, "+++ Deployment/")) == 3
    text = await told(Api(cluster(**BESIDE)), wished())
    assert lines(text, "# arm") == ["# arm b goes, and its pods with it", "# arm c goes, and its pods with it"]
    assert len(lines(text, "--- Deployment/")) == 3
    assert len(lines(text, "+++ /dev/null")) == 9


def test_guests_are_compared_between_files(compare: Compare) -> None:
    code, text = compare([wished(**BESIDE)], [wished(**{**BESIDE, "shadow": {"model": {"storageUri": "models:/f/1"}}})])
    assert code == 1
    assert lines(text, "# the shadow")[0].startswith("# the shadow: a new revision ")
    assert len(lines(text, "+++ Deployment/")) == 1
    assert compare([wished(**BESIDE)], [wished(**BESIDE)]) == (0, "")


def test_resources_come_and_go(compare: Compare) -> None:
    other = wished(uri="s3://models/other")
    other["metadata"] = {"name": "other", "namespace": "risk"}
    code, text = compare([wished(), other], [wished()])
    assert (code, lines(text, "# ")) == (1, ["# ModelDeployment risk/other: is gone, and its objects with it"])
    assert set(lines(text, "+++ ")) == {"+++ /dev/null"}
    code, text = compare([wished()], [other, wished()])
    assert lines(text, "# ")[0].startswith("# ModelDeployment risk/other: is new: revision ")


def test_trouble_has_its_own_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = written(tmp_path, "good.yaml", wished())
    assert diff.main([good, f"{tmp_path}/none.yaml"]) == 2
    assert "none.yaml:1:1: No such file or directory" in capsys.readouterr().err
    assert diff.main([good, "--kubeconfig", f"{tmp_path}/none"]) == 2
    assert capsys.readouterr().err == f"moorage diff: {tmp_path}/none: there is no such kubeconfig\n"
    (tmp_path / "empty").write_text("{}")
    assert diff.main([good, "--kubeconfig", f"{tmp_path}/empty"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "moorage diff: no cluster to compare with: neither a pod's service account nor a kubeconfig: "
    )
    assert told.endswith("; or give a second file\n")
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(NOWHERE))
    assert diff.main([good, "--kubeconfig", f"{tmp_path}/kubeconfig"]) == 2
    assert "NoAnswer" in capsys.readouterr().err


NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "c",
}


@dataclass
class OneByOne:
    """Objects by path; `refusals` by path."""

    objects: dict[str, Any]
    refusal: int = 404

    async def call(self, verb: str, path: str, **_: Any) -> Any:
        assert verb == "GET"
        if path not in self.objects:
            raise ApiError(self.refusal, "No", "no")
        return self.objects[path]


OPERATOR = "/apis/apps/v1/namespaces/ops/deployments/moorage-operator"
MAP = "/api/v1/namespaces/ops/configmaps/moorage-settings-7d"
VOLUMES = [{"name": "tmp", "emptyDir": {}}, {"name": "settings", "configMap": {"name": "moorage-settings-7d"}}]
RUNNING: dict[str, Any] = {
    OPERATOR: {"spec": {"template": {"spec": {"volumes": VOLUMES}}}},
    MAP: {"data": {"settings.yaml": yaml.safe_dump(SETTINGS_DATA)}},
}


async def test_the_settings_that_count_are_those_of_the_running_operator() -> None:
    assert await live.settings(OneByOne(RUNNING), "ops") == SETTINGS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "objects",
    [
        {},
        {OPERATOR: RUNNING[OPERATOR]},
        {OPERATOR: {"spec": {"template": {"spec": {}}}}},
        {**RUNNING, MAP: {"data": {}}},
        {**RUNNING, MAP: {"data": {"settings.yaml": "{"}}},
        {**RUNNING, MAP: {"data": {"settings.yaml": "runtime: {}"}}},
    ],
)
@pytest.mark.parametrize("refusal", [401, 403, 404])
async def test_there_may_be_none_that_can_be_read(objects: dict[str, Any], refusal: int) -> None:
    assert await live.settings(OneByOne(objects, refusal), "ops") is None  # type: ignore[arg-type]


async def test_a_server_in_trouble_is_no_server_without_settings() -> None:
    with pytest.raises(ApiError):
        await live.settings(OneByOne({}, 500), "ops")  # type: ignore[arg-type]


def test_fields_that_differ() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "gone": {"x": 1}, "long": "y" * 80, "same": 1}
    new = {"a": {"b": 2, "c": [2, 1]}, "come": {"k.s/z": True}, "long": "z", "same": 1}
    assert [str(each) for each in field_changes(old, new, "spec")] == [
        "spec.a.b: 1 -> 2",
        "spec.a.c: [1,2] -> [2,1]",
        "spec.come[k.s/z]: (absent) -> true",
        "spec.gone.x: 1 -> (absent)",
        f"spec.long: {'y' * 57}... -> z",
    ]


def named(kind: str, name: str, revision: str | None = None, **rest: Any) -> Object:
    labels = {"moorage.dev/revision": revision} if revision else {}
    return {"kind": kind, "metadata": {"name": name, "labels": labels}, **rest}


def test_the_objects_of_two_revisions_stand_for_each_other() -> None:
    old = [named("Service", "f"), named("Service", "f-0a", "0a"), named("Deployment", "f-0a", "0a")]
    new = [named("Service", "f"), named("Service", "f-1b", "1b"), named("ConfigMap", "f")]
    found = [
        (pair.old and pair.old["metadata"]["name"], pair.new and pair.new["metadata"]["name"])
        for pair in pairs(old, new)
    ]
    assert found == [("f", "f"), ("f-0a", "f-1b"), (None, "f"), ("f-0a", None)]


def test_the_name_of_a_revision_is_no_difference() -> None:
    pair = Pair(named("Service", "f-0a", "0a"), named("Service", "f-1b", "1b"))
    assert text_of(pair, [("0a", "1b")]) == ""
    assert "-  name: f-0a" in text_of(pair)


def test_only_what_is_wished_for_is_seen() -> None:
    live = {"a": 1, "server": 2, "l": [{"x": 1, "server": 2}], "m": [1, 2]}
    assert projected(live, {"a": 0, "l": [{"x": 0}], "m": [1]}) == {"a": 1, "l": [{"x": 1}], "m": [1, 2]}

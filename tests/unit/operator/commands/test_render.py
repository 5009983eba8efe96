"""What is rendered without a cluster is what the operator writes in one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.golden.render import CASES, HERE, render
from tests.rollout.small_cluster import Object, SmallCluster

from moorage_operator.commands.render import main
from moorage_operator.names import CONTENT_ANNOTATION

SETTINGS: dict[str, Any] = {
    "runtime": {
        "image": "localhost/moorage-runtime:dev",
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    },
    "registries": {"default": {"trackingUri": "http://mlflow.parts.svc"}},
    "stores": {"default": {"endpoint": "http://s3.parts.svc", "region": "us-east-1"}},
}
ALIAS = {
    "apiVersion": "moorage.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "fraud"},
    "spec": {"model": {"storageUri": "models:/fraud@champion"}},
}


@pytest.fixture
def settings(tmp_path: Path) -> str:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(SETTINGS))
    return str(file)


def written(folder: Path, *bodies: Object) -> str:
    file = folder / "in.yaml"
    file.write_text(yaml.safe_dump_all(bodies))
    return str(file)


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(body["kind"], body["metadata"]["name"]): body for body in objects}


PLAIN = ("autoscaled", "claim", "every-pod-setting", "first-deploy", "guests", "s3-secret")


def test_there_are_such_goldens() -> None:
    assert set(PLAIN) <= set(CASES)


@pytest.mark.parametrize("case", PLAIN)
def test_a_living_resource_gives_the_very_objects_of_its_cluster(
    case: str, tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = yaml.safe_load((HERE / case / "in.yaml").read_text())
    given["cr"]["spec"].get("podTemplate", {}).get("metadata", {}).pop("labels", None)
    cluster = SmallCluster(owner=given["cr"], version=given["version"])
    cluster.run(45)
    assert main([written(tmp_path, cluster.owner), "--settings", settings]) == 0
    rendered = by_name(list(yaml.safe_load_all(capsys.readouterr().out)))
    lived = by_name([dict(body) for body in cluster.wishes().values()])
    assert rendered.keys() == lived.keys()
    for key in rendered.keys() - {("ConfigMap", "fraud-routes")}:
        assert rendered[key] == lived[key]
    routes = [each[("ConfigMap", "fraud-routes")]["data"]["routes.json"] for each in (rendered, lived)]
    assert said(routes[0]) == said(routes[1])


def said(routes: str) -> str:
    """A table without what only a cluster can say."""
    return re.sub(r'"address":"[^"]*",', "", routes.partition('"revisions"')[2])


def test_before_it_lives_nothing_claims_an_owner(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [written(tmp_path, ALIAS), "--settings", settings, "--model-version", "3"]
    assert main([*words, "--artifact-uri", "mlflow-artifacts:/1/3", "-n", "risk"]) == 0
    text = capsys.readouterr().out
    assert "# ModelDeployment risk/fraud, serving version 3.\n# Left out" in text
    for body in yaml.safe_load_all(text):
        assert body["metadata"]["namespace"] == "risk"
        assert "ownerReferences" not in body["metadata"]
        assert CONTENT_ANNOTATION not in body["metadata"]["annotations"]
    known = {name for _, name in by_name(list(yaml.safe_load_all(text)))}
    assert "fraud-c82d6e9183" in known, "the hash is that of the golden, which has the same spec"
    assert "fraud-c82d6e9183" in render("first-deploy")


def test_an_alias_that_nobody_explains_is_refused(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([written(tmp_path, ALIAS), "--settings", settings]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "moorage render: fraud: only the registry knows which version models:/fraud@champion is; say it with "
        "--model-version, and with --artifact-uri where it lies\n"
    )


def test_a_place_that_nobody_told_is_said_to_be_a_guess(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = {**ALIAS, "spec": {"model": {"storageUri": "models:/fraud/3"}}}
    assert main([written(tmp_path, body)]) == 0
    told = capsys.readouterr()
    assert "# Where the registry keeps it was not said (--artifact-uri)" in told.out
    assert told.err == "moorage: no settings of an operator: a local image, and no resources, stores or caches\n"


def test_what_stands_beside_is_explained_by_its_own_name(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arm = {"name": "b", "percent": 20, "model": {"storageUri": "models:/fraud@next"}}
    shadow = {"model": {"storageUri": "models:/fraud/9"}}
    test = {"header": "x-user-id", "arms": [arm]}
    spec = {"model": {"storageUri": "models:/fraud@champion"}, "shadow": shadow, "abTest": test}
    words = [written(tmp_path, {**ALIAS, "spec": spec}), "--settings", settings, "--model-version", "3"]
    assert main(words) == 2, "what is said of the resource is not said of its guests"
    assert "fraud/b: only the registry knows which version models:/fraud@next is" in capsys.readouterr().err
    assert main([*words, "--model-version", "fraud/b=7", "--artifact-uri", "fraud/b=mlflow-artifacts:/1/7"]) == 0
    text = capsys.readouterr().out
    heads = [line for line in text.splitlines() if line.startswith("# Beside it")]
    assert [head.rpartition(", ")[0] for head in heads] == [
        "# Beside it: the shadow, version 9",
        "# Beside it: arm b, version 7",
    ]
    names = {name for kind, name in by_name(list(yaml.safe_load_all(text))) if kind == "Deployment"}
    assert {head.rpartition(", ")[2].rstrip(".") for head in heads} < {name.removeprefix("fraud-") for name in names}
    assert len(names) == 3


def test_several_resources_are_explained_by_name(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**ALIAS, "metadata": {"name": "churn"}, "spec": {"model": {"storageUri": "models:/churn@champion"}}}
    words = [written(tmp_path, ALIAS, other), "--settings", settings]
    assert main([*words, "--model-version", "fraud=3"]) == 2
    capsys.readouterr()
    assert main([*words, "--model-version", "fraud=3", "--model-version", "churn=7"]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ModelDeployment")]
    assert heads == [
        "# ModelDeployment default/fraud, serving version 3.",
        "# ModelDeployment default/churn, serving version 7.",
    ]


REFUSED: dict[str, tuple[Object, str]] = {
    "broken": ({**ALIAS, "spec": {"model": {"storageUri": "http://x"}}}, "storageUri must start with models:/"),
    "no such cache": (
        {**ALIAS, "spec": {"model": {"storageUri": "s3://models/a"}, "cache": {"backend": "x"}}},
        "CacheUnknown: spec.cache.backend: the operator's settings name no cache 'x' (there: none).",
    ),
    "no such store": (
        {**ALIAS, "spec": {"model": {"storageUri": "s3://models/a", "registry": "eu"}}},
        "RegistryUnknown: spec.model.registry: the operator's settings name no store 'eu' (there: default).",
    ),
    "no such registry": (
        {**ALIAS, "spec": {"model": {"storageUri": "models:/a/1", "registry": "eu"}}},
        "RegistryUnknown: spec.model.registry: the operator's settings name no registry 'eu' (there: default).",
    ),
    "nothing of ours": ({"apiVersion": "v1", "kind": "Secret"}, "holds no ModelDeployment"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_operator_would_refuse_is_refused(
    name: str, tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body, words = REFUSED[name]
    assert main([written(tmp_path, body), "--settings", settings]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_wrong_settings_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.yaml").write_text("runtime: {}")
    assert main([written(tmp_path, ALIAS), "--settings", f"{tmp_path}/s.yaml"]) == 2
    assert f"{tmp_path}/s.yaml: runtime.image: Field required" in capsys.readouterr().err

"""The linter agrees with the API server on every case of the contract, and says more than it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.crd_cases import GOOD, REFUSED, TAKEN, Case, merged

from moorage_operator.api.crd import crd
from moorage_operator.commands.documents import Document, read
from moorage_operator.commands.finding import Finding, Severity
from moorage_operator.commands.inspection import inspect
from moorage_operator.commands.lint import main
from moorage_operator.commands.rules import holds
from moorage_operator.settings import parse

EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))


def found(*bodies: Any) -> list[Finding]:
    return inspect([Document("f.yaml", body, {}) for body in bodies])


def errors(*bodies: Any) -> list[Finding]:
    return [each for each in found(*bodies) if each.severity is Severity.ERROR]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_finds_no_error_where_the_api_server_takes_it(case: Case) -> None:
    assert errors(case.body) == []


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_finds_an_error_where_the_api_server_refuses(case: Case) -> None:
    assert errors(case.body) != []


RULES = [case for case in REFUSED if any(" " in words and words[0].islower() for words in case.refusal[1:])]


@pytest.mark.parametrize("case", RULES, ids=lambda case: case.name)
def test_a_broken_rule_blames_the_same_field_in_the_same_words(case: Case) -> None:
    rules = [each for each in errors(case.body) if each.reason == "RuleBroken"]
    if rules:
        field = case.refusal[0].replace("[cpu]", ".cpu").replace("[memory]", ".memory")
        assert any(each.path.startswith(field) and case.refusal[-1] in each.message for each in rules)


def test_the_rule_for_other_runtimes_holds_once_there_are_some() -> None:
    """Today no other runtime passes the schema, so no object can show it."""
    spec = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    [rule] = [each for each in spec["x-kubernetes-validations"] if each.get("fieldPath") == ".model.onnx"]
    assert holds(rule["rule"], {"model": {"onnx": {}}, "runtime": "onnx"})
    assert holds(rule["rule"], {"model": {}, "runtime": "triton"})
    assert not holds(rule["rule"], {"model": {"onnx": {}}, "runtime": "triton"})


def test_a_rule_that_cannot_be_evaluated_does_not_hold() -> None:
    assert not holds("self.missing > 1", {})
    assert not holds("quantity('1GB').compareTo(quantity('1')) > 0", {})


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong word": ({"spec": {"modle": {}}}, "UnknownField: spec.modle: there is no such field; did you mean model?"),
    "another case": (
        {"spec": {"minreplicas": 2}},
        "spec.minreplicas: there is no such field; did you mean minReplicas?",
    ),
    "snake case": ({"spec": {"max_replicas": 2}}, "did you mean maxReplicas?"),
    "no near word": ({"spec": {"auth": {"zzz": 1, "secretName": "s"}}}, "the fields here are: secretName"),
    "missing": ({"spec": {"model": None}}, "Required: spec.model: is required"),
    "a number for text": ({"spec": {"timeout": 5}}, 'spec.timeout: must be text, not a whole number (5); write "5"'),
    "a label": (
        {"metadata": {"labels": {"a": True}}},
        'metadata.labels.a: must be text, not true or false (true); write "true"',
    ),
    "nothing": ({"spec": {"env": [None]}}, "spec.env[0]: must be a map, not nothing"),
    "a fraction": ({"spec": {"minReplicas": 1.5}}, "spec.minReplicas: must be a whole number, not a number (1.5)"),
    "one of several": (
        {"spec": {"runtime": "tf"}},
        "NotSupported: spec.runtime: 'tf' is not supported; choose one of: onnx",
    ),
    "a line too many": ({"spec": {"auth": {"secretName": "a\n"}}}, "PatternMismatch: spec.auth.secretName"),
    "no name": ({"metadata": {"name": None}}, "Required: metadata.name: is required"),
    "a misspelt name": ({"metadata": {"lables": {}}}, "metadata.lables: there is no such field; did you mean labels?"),
    "no spec": ({"spec": None}, "Required: spec: is required"),
    "an unknown kind": (
        {"kind": "ModelDeploymnt"},
        "UnknownKind: kind: there is no ModelDeploymnt in moorage.dev/v1alpha1",
    ),
    "another version": ({"apiVersion": "moorage.dev/v1"}, "write apiVersion: moorage.dev/v1alpha1"),
    "a key in brackets": (
        {"spec": {"nodeSelector": {"kubernetes.io/arch": 1}}},
        "spec.nodeSelector[kubernetes.io/arch]: must be text",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_told_with_the_cure(name: str) -> None:
    patch, words = BROKEN[name]
    body = merged(GOOD, patch)
    if name == "nothing":
        body["spec"]["env"] = [None]
    assert words in "\n".join(map(str, errors(body)))


QUIET: dict[str, Any] = {
    "model": {"storageUri": "models:/fraud/3"},
    "minReplicas": 2,
    "resources": {"limits": {"memory": "1Gi"}},
}


def ab_test(*uris: str) -> dict[str, Any]:
    arms = [{"name": "bcd"[place], "percent": 10, "model": {"storageUri": uri}} for place, uri in enumerate(uris)]
    return {"abTest": {"header": "x-user-id", "arms": arms}}


REMARKS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an alias": ({"model": {"storageUri": "models:/fraud@a"}}, "advice", "UntestedVersions"),
    "a stage": ({"model": {"storageUri": "models:/fraud/Production"}}, "warning", "StageDeprecated"),
    "a folder": ({"model": {"storageUri": "s3://models/c"}}, "advice", "ContentNotPinned"),
    "no expectation": (
        {"testRequest": {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}},
        "advice",
        "AnyAnswerPasses",
    ),
    "no memory limit": ({"resources": None}, "warning", "MemoryLimitMissing"),
    "one pod": ({"minReplicas": 1}, "advice", "SinglePod"),
    "cpu without a request": ({"maxReplicas": 4}, "warning", "RequestMissing"),
    "more threads than cpus": (
        {"model": {"onnx": {"intraOpNumThreads": 4}}, "resources": {"limits": {"cpu": "1500m"}}},
        "warning",
        "ThreadsBeyondLimit",
    ),
    "a cache as large as the pod": ({"cache": {"maxBytes": "600Mi"}}, "warning", "CacheBeyondMemory"),
    "a batch longer than the timeout": (
        {"batcher": {"maxLatency": "100ms"}, "timeout": "100ms"},
        "error",
        "BatchOutwaitsTimeout",
    ),
    "a queue that is never full": (
        {"containerConcurrency": 8, "maxQueueLength": 8},
        "warning",
        "QueueBeyondConcurrency",
    ),
    "a password for all to read": ({"env": [{"name": "DB_PASSWORD", "value": "x"}]}, "warning", "SecretInTheOpen"),
    "a stage beside it": (
        {"shadow": {"model": {"storageUri": "models:/fraud/Staging"}}},
        "warning",
        "StageDeprecated",
    ),
    "an arm's folder": (ab_test("s3://models/b"), "advice", "ContentNotPinned"),
    "an arm that is the stable one": (ab_test("models:/fraud/3"), "warning", "GuestIsStable"),
    "two arms with one model": (ab_test("models:/fraud/7", "models:/fraud/7"), "warning", "GuestRepeated"),
    "two keys": (
        {**ab_test("models:/fraud/7"), "rollout": {"stickiness": {"header": "x-session"}}},
        "warning",
        "StickinessWithoutEffect",
    ),
    "arms without a shield": (
        {**ab_test("models:/fraud/7"), "rollout": {"shield": False}},
        "warning",
        "ArmsUnshielded",
    ),
    "a grace period that cuts": (
        {"podTemplate": {"spec": {"terminationGracePeriodSeconds": 30}}},
        "warning",
        "GraceBelowTimeout",
    ),
}
FINE: dict[str, dict[str, Any]] = {
    "nothing special": {},
    "a pinned folder": {"model": {"storageUri": "s3://models/c", "digest": "sha256:" + "a" * 64}},
    "a memory request is a limit": {"resources": {"limits": None, "requests": {"memory": "1Gi"}}},
    "scaling on what is requested": {"maxReplicas": 4, "resources": {"requests": {"cpu": "1"}}},
    "as many threads as cpus": {"model": {"onnx": {"intraOpNumThreads": 2}}, "resources": {"limits": {"cpu": 2}}},
    "a small cache": {"cache": {}},
    "a plain variable": {"env": [{"name": "OMP_NUM_THREADS", "value": "2"}, {"name": "TOKENIZERS_OFF"}]},
    "a cache elsewhere": {"cache": {"backend": "redis", "maxBytes": "2Gi"}},
    "a queue within": {"containerConcurrency": 9, "maxQueueLength": 8},
    "one key for both": {
        **ab_test("models:/fraud/7", "models:/fraud/8"),
        "rollout": {"stickiness": {"header": "X-User-Id"}},
    },
    "a shadow and an arm": {**ab_test("models:/fraud/7"), "shadow": {"model": {"storageUri": "models:/fraud/9"}}},
    "a grace period as long as a request": {"podTemplate": {"spec": {"terminationGracePeriodSeconds": 60}}},
}


@pytest.mark.parametrize("name", REMARKS)
def test_what_a_colleague_would_ask(name: str) -> None:
    patch, severity, reason = REMARKS[name]
    told = found(merged(GOOD, {"spec": merged(QUIET, patch)}))
    assert (severity, reason) in {(each.severity, each.reason) for each in told}
    assert all(each.path.startswith("spec.") for each in told)
    assert len(told) <= 2


@pytest.mark.parametrize("name", FINE)
def test_what_nobody_would_ask(name: str) -> None:
    assert found(merged(GOOD, {"spec": merged(QUIET, FINE[name])})) == []


def test_what_is_broken_gets_no_good_advice_on_top() -> None:
    assert {each.severity for each in found(merged(GOOD, {"spec": {"timeout": "soon"}}))} == {Severity.ERROR}


def test_the_same_object_twice() -> None:
    elsewhere = merged(GOOD, {"metadata": {"namespace": "b"}})
    assert [each.reason for each in errors(GOOD, elsewhere)] == []
    assert [each.reason for each in errors(GOOD, elsewhere, dict(GOOD))] == ["DuplicateObject"]


def test_objects_of_other_kinds_pass_and_what_is_none_does_not() -> None:
    assert found({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": 1}}) == []
    assert [each.reason for each in errors(["a"], {"kind": "x"})] == ["NotAnObject", "NotAnObject"]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_have_no_error(file: Path) -> None:
    assert [each for each in inspect(read(str(file))) if each.severity is Severity.ERROR] == []


def test_a_line_is_what_editors_jump_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(
        yaml.safe_dump(dict(merged(GOOD, {"spec": QUIET})), sort_keys=False).replace("minReplicas", "minReplica")
    )
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == (
        f"{file}:8:3: error UnknownField: spec.minReplica: there is no such field; did you mean minReplicas?\n"
    )


def test_exit_codes_levels_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(yaml.safe_dump(merged(GOOD, {"spec": {**QUIET, "minReplicas": 1}})))
    assert main([str(file), "--format", "json"]) == 1
    [told] = json.loads(capsys.readouterr().out)
    assert (told["file"], told["severity"], told["reason"]) == (str(file), "advice", "SinglePod")
    assert (told["path"], told["line"], told["column"]) == ("spec.minReplicas", 6, 3)
    assert main([str(file), "--level", "warning"]) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "bad.yaml").write_text("a: [")
    assert main([str(file), str(tmp_path / "bad.yaml"), "--level", "error"]) == 2
    assert f"{tmp_path}/bad.yaml:1:5: error Unreadable: not YAML" in capsys.readouterr().out


WEIRD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["1e999", "-1", "0x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def ways(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield where
    for step, inner in steps:
        yield from ways(inner, (*where, step))


def replaced(value: Any, where: tuple[Any, ...], new: Any) -> Any:
    if not where:
        return new
    out = copy.deepcopy(value)
    inner = out
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = new
    return out


@settings(max_examples=400, deadline=None)
@given(data=st.data(), case=st.sampled_from(TAKEN), weird=WEIRD)
def test_no_value_anywhere_is_too_much(data: st.DataObject, case: Case, weird: Any) -> None:
    where = data.draw(st.sampled_from(list(ways(case.body))))
    for one in found(replaced(case.body, where, weird)):
        assert str(one).startswith("f.yaml:1:1: ")


def test_a_number_beyond_64_bits_is_refused_by_name() -> None:
    """It was an error of the CEL library's, with a traceback."""
    case = next(each for each in TAKEN if "resources" in each.body["spec"])
    where = ("spec", "resources", "requests", "cpu")
    whole = replaced(case.body, where[:-1], {"cpu": 1 << 63})
    (only,) = found(whole)
    assert "spec.resources.requests.cpu" in str(only)
    assert "9223372036854775808 has more than 64 bits; write it as text, or smaller" in str(only)
    assert not any("64 bits" in str(one) for one in found(replaced(whole, where, (1 << 63) - 1)))


SETTINGS = {"runtime": {"image": "i", "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}}}


def with_settings(**spec: Any) -> list[str]:
    body = merged(GOOD, {"spec": {"minReplicas": 2, **spec}})
    known = parse({**SETTINGS, "registries": {"default": {"trackingUri": "http://mlflow"}}})
    return [str(each) for each in inspect([Document("f", body, {})], known)]


def test_the_operators_settings_answer_some_questions() -> None:
    assert with_settings(model={"storageUri": "models:/fraud/3"}, maxReplicas=4) == []


def test_and_ask_others() -> None:
    found = with_settings(model={"storageUri": "models:/fraud/3", "registry": "eu"}, cache={"backend": "redis"})
    assert found == [
        "f:1:1: error RegistryUnknown: spec.model.registry: the operator's settings name no registry 'eu' (there: "
        "default). Correct the field, or add the registry to the settings.",
        "f:1:1: error CacheUnknown: spec.cache.backend: the operator's settings name no cache 'redis' (there: none). "
        "Correct the field, remove it to keep answers in each pod's own memory, or add the cache to the settings.",
    ]


def test_the_settings_are_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.yaml").write_text(yaml.safe_dump(merged(GOOD, {"spec": QUIET})))
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SETTINGS))
    assert main([f"{tmp_path}/f.yaml", "--settings", f"{tmp_path}/s.yaml"]) == 1
    assert "RegistryUnknown" in capsys.readouterr().out
    assert main([f"{tmp_path}/f.yaml", "--settings", f"{tmp_path}/none.yaml"]) == 2
    assert capsys.readouterr().err == f"moorage lint: {tmp_path}/none.yaml: No such file or directory\n"


def test_no_subcommand_carries_the_operators_own_libraries() -> None:
    script = (
        "import sys, moorage_operator.commands.{0}; "
        "print(sorted({{'kopf', 'kubernetes', 'aiohttp', 'prometheus_client'}} & set(sys.modules)))"
    )
    seen = {
        name: subprocess.run(
            [sys.executable, "-c", script.format(name)], capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()
        for name in ("lint", "render", "diff")
    }
    assert seen == {"lint": "[]", "render": "[]", "diff": "['aiohttp', 'kubernetes']"}

"""What the operator makes of each CR, object by object."""

from __future__ import annotations

import pytest
import yaml
from tests.golden.render import CASES, HERE, render
from tests.rollout.small_cluster import Object

from moorage_operator.names import OWNER_LABEL


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    expected = (HERE / case / "out.yaml").read_text()
    assert render(case) == expected, "if this is meant: python -m tests.golden.render, then review the diff"


@pytest.mark.parametrize("case", CASES)
def test_every_container_is_restricted(case: str) -> None:
    deployments = [body for body in objects(case) if body.get("kind") == "Deployment"]
    assert deployments
    for body in deployments:
        pod = body["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert all("hostPath" not in volume for volume in pod["volumes"])
        for container in (*pod["initContainers"], *pod["containers"]):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["runAsNonRoot"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("case", CASES)
def test_only_the_download_sees_credentials_and_claims(case: str) -> None:
    for body in objects(case):
        if body.get("kind") == "Deployment":
            [server] = body["spec"]["template"]["spec"]["containers"]
            assert not {mount["name"] for mount in server["volumeMounts"]} & {"credentials", "claim", "ca"}
            assert all(mount.get("readOnly") for mount in server["volumeMounts"] if mount["name"] != "tmp")


@pytest.mark.parametrize("case", CASES)
def test_only_the_server_sees_the_keys_of_clients_and_of_the_cache(case: str) -> None:
    for body in objects(case):
        if body.get("kind") == "Deployment":
            [download] = body["spec"]["template"]["spec"]["initContainers"]
            seen = {mount["name"] for mount in download["volumeMounts"]}
            assert not seen & {"api-keys", "cache-credentials", "cache-ca"}


@pytest.mark.parametrize("case", CASES)
def test_every_child_can_be_found_again(case: str) -> None:
    for body in objects(case):
        if "kind" in body:
            assert body["metadata"]["labels"][OWNER_LABEL] == "fraud"
            assert len(body["metadata"]["name"]) <= 63
            assert body["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is False


def objects(case: str) -> list[Object]:
    return list(yaml.safe_load_all((HERE / case / "out.yaml").read_text()))

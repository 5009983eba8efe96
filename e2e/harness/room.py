"""One test's own namespace: what is deployed in it, waited for and told when something fails."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from e2e.harness.api import ApiServer, Object
from e2e.harness.kinds import CHILDREN, EVENT, MODEL_DEPLOYMENT, NAMESPACE, POD, SECRET
from e2e.harness.kstatus import condition
from e2e.harness.kubectl import Kubectl
from e2e.harness.witness import Witness, untruths

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "moorage.dev/e2e": "true"}
TINY = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
Condition = Callable[[Object], object]


class NotReached(AssertionError):
    """A state was not reached in time; the text tells the last state seen."""


class Room:
    """A namespace labelled restricted. Each deployed CR has a `Witness` from the first moment."""

    def __init__(self, api: ApiServer, kubectl: Kubectl, prefix: str) -> None:
        self.api, self.kubectl = api, kubectl
        self.namespace = f"e2e-{prefix}-{secrets.token_hex(3)}"
        self.witnesses: dict[str, Witness] = {}
        api.create(NAMESPACE, None, {"metadata": {"name": self.namespace, "labels": RESTRICTED}})

    def close(self) -> None:
        """Remove the namespace; the cluster does it in the background."""
        for witness in self.witnesses.values():
            witness.stop()
        self.api.delete(NAMESPACE, None, self.namespace)

    def deploy(self, name: str, storage_uri: str, *, model: Object | None = None, **spec: Any) -> Object:
        """Apply a ModelDeployment (server-side, as GitOps does): `spec` keys in camelCase; gives the live object."""
        if name not in self.witnesses:
            self.witnesses[name] = Witness(self.api, self.namespace, name)
        whole = {"model": {"storageUri": storage_uri, **(model or {})}, "resources": TINY, **spec}
        return self.api.apply(
            MODEL_DEPLOYMENT, self.namespace, {"kind": "ModelDeployment", "metadata": {"name": name}, "spec": whole}
        )

    def get(self, name: str) -> Object:
        """The CR as it is now."""
        return self.api.get(MODEL_DEPLOYMENT, self.namespace, name)

    def secret(self, name: str, values: dict[str, str]) -> None:
        """Make an opaque Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.api.create(SECRET, self.namespace, {"metadata": {"name": name}, "data": data})

    def url(self, name: str, path: str = "/infer") -> str:
        """The address of a CR's model inside the cluster."""
        return f"http://{name}.{self.namespace}.svc.cluster.local/v2/models/{name}{path}"

    def wait(self, name: str, what: str, reached: Condition, seconds: float = 60) -> Object:
        """Wait until the CR satisfies `reached`; raises `NotReached` naming `what` and the last status."""
        found: Object = self.until(what, lambda: self.get(name), reached, seconds)
        return found

    def until(self, what: str, look: Callable[[], Any], reached: Callable[[Any], object], seconds: float = 60) -> Any:
        """Look again and again until `reached` holds."""
        until, seen = time.monotonic() + seconds, None
        while time.monotonic() < until:
            seen = look()
            if seen is not None and reached(seen):
                return seen
            time.sleep(0.05)
        status = seen.get("status", seen) if isinstance(seen, dict) else seen
        raise NotReached(
            f"{what}: not within {seconds} s; last seen:\n{json.dumps(status, indent=1, default=str)[:6000]}"
        )

    def wait_ready(self, name: str, version: str | None = None, seconds: float = 60) -> Object:
        """Wait until the CR is Ready for its present generation (and names `version`)."""

        def reached(body: Object) -> bool:
            ready = condition(body, "Ready")
            current = ready.get("observedGeneration") == body["metadata"]["generation"]
            named = version is None or body["status"].get("version") == version
            return ready.get("status") == "True" and current and named

        return self.wait(name, f"{name} ready{f' with version {version}' if version else ''}", reached, seconds)

    def wait_steady(self, name: str, version: str | None = None, seconds: float = 60) -> Object:
        """Wait until it is ready and nothing is under way any more."""
        self.wait_ready(name, version, seconds)
        quiet: Condition = lambda body: condition(body, "Reconciling").get("status") == "False"  # noqa: E731
        return self.wait(name, f"{name} at rest", quiet, seconds)

    def wait_stalled(self, name: str, *reasons: str, seconds: float = 60) -> Object:
        """Wait until the CR is Stalled for one of `reasons`."""

        def reached(body: Object) -> bool:
            stalled = condition(body, "Stalled")
            return stalled.get("status") == "True" and stalled.get("reason") in reasons

        return self.wait(name, f"{name} stalled for {' or '.join(reasons)}", reached, seconds)

    def children(self, name: str) -> dict[str, list[Object]]:
        """All children that the CR owns, by kind, wherever their labels point."""
        uid = self.get(name)["metadata"]["uid"]
        return {kind: [c for c in self.api.all(url, self.namespace) if owned(c, uid)] for kind, url in CHILDREN.items()}

    def pods(self, name: str) -> list[Object]:
        """The CR's pods that are not on their way out."""
        found = self.api.all(POD, self.namespace, f"moorage.dev/model-deployment={name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def check_honest(self) -> None:
        """Fail when any CR of this room ever claimed what its own fields disprove."""
        lies = {name: untruths(witness.moments) for name, witness in self.witnesses.items()}
        assert not any(lies.values()), f"the status was not honest: {lies}"

    def diagnosis(self) -> str:
        """All that a person would look at first: CRs, events, pods, the last log lines."""
        parts = [
            f"== {body['metadata']['name']} ==\n{json.dumps(body.get('status'), indent=1)[:5000]}"
            for body in self.api.all(MODEL_DEPLOYMENT, self.namespace)
        ]
        pods = self.api.all(POD, self.namespace)
        parts.append(self.kubectl.run("get", "all,hpa,pdb", "-n", self.namespace, "-o", "wide", check=False))
        parts += [f"{e['type']} {e['reason']} {e['message']}" for e in self.api.all(EVENT, self.namespace)[-15:]]
        for pod in pods[:3]:
            with suppress(Exception):
                logs = ("logs", "-n", self.namespace, pod["metadata"]["name"], "--all-containers", "--tail=15")
                parts.append(f"-- {pod['metadata']['name']} --\n{self.kubectl.run(*logs, check=False)}")
        return "\n".join(parts)


def owned(body: Object, uid: str) -> bool:
    """Whether `uid` is the controller of the object."""
    return any(owner["uid"] == uid and owner.get("controller") for owner in body["metadata"].get("ownerReferences", []))

"""A real HorizontalPodAutoscaler on real CPU: it alone decides how many, also across a change of version."""

from __future__ import annotations

from e2e.harness.api import ApiServer, Object
from e2e.harness.installed import Installed
from e2e.harness.kinds import AUTOSCALER, DEPLOYMENT
from e2e.harness.kstatus import condition
from e2e.harness.models import Registry, train
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

MOST = 3
SCALING: Object = {
    "metrics": [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 40}}}
    ],
    "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0}},
}
RESOURCES: Object = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}


def test_load_scales_and_a_new_version_keeps_the_size(
    room: Room, api: ApiServer, operator: Installed, registry: Registry, traffic: Traffic, unique: str
) -> None:
    first, second = registry.publish(unique, 0, 1)
    wanted: Object = {"minReplicas": 1, "maxReplicas": MOST, "autoScaling": SCALING, "resources": RESOURCES}
    room.deploy("cancer", f"models:/{unique}/{first}", **wanted)
    room.wait_steady("cancer", first)
    load = traffic.load(room.url("cancer"), train(0).request, connections=4, pause=0.004, seconds=240)
    grown = room.wait("cancer", "scaled out", lambda body: body["status"]["readyReplicas"] >= MOST, 120)
    assert condition(grown, "ScalingActive")["status"] == "True"

    room.deploy("cancer", f"models:/{unique}/{second}", **wanted)
    changed = room.wait_ready("cancer", second, 120)
    revision = changed["status"]["stable"]["revision"]
    assert changed["status"]["readyReplicas"] >= MOST, "the new version began smaller than the old one was"
    assert api.get(AUTOSCALER, room.namespace, "cancer")["spec"]["scaleTargetRef"]["name"] == f"cancer-{revision}"
    report = load.stop()
    assert report.failed == 0, report.failures
    assert not owns_replicas(api.get(DEPLOYMENT, room.namespace, f"cancer-{revision}"))
    sizes = {m.body["status"]["replicas"] for m in room.witnesses["cancer"].moments if m.at > 0 and m.claims_ready}
    assert max(sizes) <= MOST


def owns_replicas(deployment: Object) -> bool:
    """Whether the operator's applies would reset the size."""
    entries = deployment["metadata"]["managedFields"]
    mine = [entry for entry in entries if entry["manager"] == "moorage" and not entry.get("subresource")]
    return any("f:replicas" in entry["fieldsV1"].get("f:spec", {}) for entry in mine)

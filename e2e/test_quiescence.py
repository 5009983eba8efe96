"""Once it is as it should be, the operator writes nothing any more."""

from __future__ import annotations

import time
from pathlib import Path

from e2e.harness.api import ApiServer
from e2e.harness.fault_proxy import FaultProxy
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kstatus import condition
from e2e.harness.local_operator import LocalOperator, nursery
from e2e.harness.models import Store, train
from e2e.harness.rehearsal import OPERATOR_USER
from e2e.harness.room import Room
from e2e.harness.settings import LOCAL_SETTINGS

ROOT = Path(__file__).parent.parent
QUIET_SECONDS = 60


def test_no_write_after_convergence(
    room: Room,
    api: ApiServer,
    operator: Installed,
    store: Store,
    store_keys: dict[str, str],
    figures: Figures,
    unique: str,
    tmp_path: Path,
) -> None:
    """Real pods, an autoscaler and frequent resyncs, behind a proxy that counts."""
    uri = store.put(unique, {"model.onnx": train(0).onnx})
    room.secret("model-store", store_keys)
    settings = {**LOCAL_SETTINGS, "watchNamespaces": [room.namespace], "resyncInterval": "10s"}
    with operator.away(), nursery(ROOT) as parent, FaultProxy(api.access, user=OPERATOR_USER) as proxy:
        local = LocalOperator(parent, tmp_path, proxy.url, settings)
        local.start()
        room.deploy("fixed", uri, model={"secretName": "model-store"}, minReplicas=2)
        room.deploy("scaled", uri, model={"secretName": "model-store"}, maxReplicas=2)
        beside = {"storageUri": uri, "secretName": "model-store", "onnx": {"intraOpNumThreads": 1}}
        room.deploy("visited", uri, model={"secretName": "model-store"}, shadow={"model": beside})
        missing = {"storageUri": "s3://models/no/such/prefix", "secretName": "model-store"}
        room.deploy("badly-visited", uri, model={"secretName": "model-store"}, shadow={"model": missing})
        room.deploy("broken", "s3://models/no/such/prefix", model={"secretName": "model-store"})
        for name in ("fixed", "scaled", "visited", "badly-visited"):
            room.wait_steady(name)
        room.wait_stalled("broken", "ArtifactNotFound")
        room.wait("fixed", "both pods", lambda body: body["status"]["readyReplicas"] == 2)
        # The autoscaler has its first figures half a minute after the pod is ready, and the status says so.
        room.wait("scaled", "its metrics", lambda body: condition(body, "ScalingActive")["status"] == "True")
        time.sleep(25)
        begin = time.time()
        time.sleep(QUIET_SECONDS)
        writes = [f"{call.at - begin:.1f} s {call.key}" for call in proxy.writes_since(begin)]
        local.kill()
    print("\n".join(writes))
    figures.at_most(f"writes in {QUIET_SECONDS} s after convergence, 5 CRs", len(writes), 0, "")

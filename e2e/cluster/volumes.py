"""Storage that outlives a pod, on a node without a provisioner: a shelf of local volumes.

Like kind's own class it is called `standard`, is the default, and binds when a pod comes.
"""

import shutil
from pathlib import Path
from typing import Any

from .kubectl import Kubectl

SHELF = 32
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "standard",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def provide(kubectl: Kubectl, folder: Path) -> None:
    """Fill the shelf: every volume that was used and given back is made new."""
    present = {volume["metadata"]["name"]: volume for volume in kubectl.items("persistentvolumes")}
    names = [f"local-{number:02}" for number in range(1, SHELF + 1)]
    used = [name for name in names if _released(present.get(name))]
    if used:
        kubectl.run("delete", "persistentvolumes", *used)
    fresh = [name for name in names if name in used or name not in present]
    for name in fresh:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        (folder / name).chmod(0o777)
    kubectl.apply_objects([CLASS, *(volume(name, folder / name) for name in fresh)])


def volume(name: str, folder: Path) -> dict[str, Any]:
    """Return the PersistentVolume that offers one folder of the node."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "standard",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def _released(volume: dict[str, Any] | None) -> bool:
    return volume is not None and volume.get("status", {}).get("phase") == "Released"

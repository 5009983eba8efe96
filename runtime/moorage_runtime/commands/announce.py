"""What `moorage run` says once the model answers: where it is, and a curl line that works."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec

from moorage_runtime import trial
from moorage_runtime.artifact import tree
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.places import Places
from moorage_runtime.repository.served import Served
from moorage_runtime.tensors import Array, datatype_of

LINE_BYTES = 4000


def text(served: Served, config: RuntimeConfig, places: Places) -> str:
    """Several lines for a person."""
    url = f"http://{places.host}:{places.http_port}"
    lines = [
        f"{served.name} version {served.version} is served at {url}",
        f"  answered its test request ({served.verdict.source}) in {served.verdict.seconds * 1e3:.3f} ms",
        f"  try it   {url}/docs",
        f"  ask it   {curl(served, config, places, url)}",
        f"  watch    http://{places.host}:{places.admin_port}/metrics",
        "Stop with Ctrl-C.",
    ]
    return "\n".join(lines) + "\n"


def curl(served: Served, config: RuntimeConfig, places: Places, url: str) -> str:
    """A command line that asks the model what it was tested with."""
    chosen = trial.choose(config.test_request, served.manifest.example, tree(places.model_dir), served.engine)
    body = msgspec.json.encode({"inputs": [_tensor(name, array) for name, array in chosen.inputs.items()]}).decode()
    if len(body) > LINE_BYTES:
        return f"curl -s {url}/v2/models/{served.name}"
    return f"curl -s {shlex.quote(f'{url}/v2/models/{served.name}/infer')} -d {shlex.quote(body)}"


def _tensor(name: str, array: Array) -> dict[str, Any]:
    return {"name": name, "shape": array.shape, "datatype": datatype_of(array), "data": array.ravel().tolist()}

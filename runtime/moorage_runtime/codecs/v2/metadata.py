"""What the server and a model say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from moorage_runtime.tensors import TensorSpec

EXTENSIONS = ("binary_tensor_data",)
SERVER = msgspec.json.encode({"name": "moorage", "version": "2", "extensions": EXTENSIONS})


def of_model(
    model: str,
    version: str,
    platform: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    optional: Sequence[TensorSpec],
) -> bytes:
    """The model's metadata document; inputs that have a default follow the others, and say so."""
    may = [msgspec.structs.asdict(spec) | {"parameters": {"optional": True}} for spec in optional]
    told = {
        "name": model,
        "versions": [version],
        "platform": platform,
        "inputs": [*inputs, *may],
        "outputs": outputs,
    }
    return msgspec.json.encode(told)

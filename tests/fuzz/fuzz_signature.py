"""An MLmodel file: any bytes are a model's description or a refusal, and any signature gives features that can be read.

The file is the artifact's own: whoever may write to the store chose each byte.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path

from tests.fuzz.places import MEMORY

from moorage_runtime.codecs.features.reader import Reader
from moorage_runtime.errors import ArtifactFault, RequestFault
from moorage_runtime.signature import layout
from moorage_runtime.storage import formats
from moorage_runtime.tensors import TensorSpec

MLMODEL = """\
flavors:
  onnx: {data: model.onnx, providers: [CPUExecutionProvider]}
  python_function: {data: model.onnx, loader_module: mlflow.onnx}
saved_input_example_info: {artifact_path: input_example.json, serving_input_path: null, type: dataframe}
"""
FILES = ("MLmodel", "input_example.json", "model.onnx")
MODELS = (
    {"X": TensorSpec("X", "FP32", (-1, 3))},
    {"X": TensorSpec("X", "FP64", (-1, -1))},
    {"a": TensorSpec("a", "INT64", (-1, 1)), "b": TensorSpec("b", "BYTES", (-1,))},
)
_FILE = Path(tempfile.mkdtemp(prefix="signature-", dir=MEMORY)) / "MLmodel"
_SIGNATURES = (
    '[{"type":"double","name":"a","required":true},{"type":"long","name":"b"},{"type":"boolean","name":"c"}]',
    '[{"type":"string","name":"a","required":false},{"type":"datetime","name":"b","more":[1]}]',
    '[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,3]}}]',
    '[{"type":"tensor","name":"X","tensor-spec":{"dtype":"<U3","shape":[-1,1e999,"x",null]}}]',
    '[{"type":"array","items":{"type":"array","items":{"type":"double"}},"name":"a"}]',
    '[{"type":"array","items":{"items":5},"name":1},{"type":"array","items":{"type":[],"items":[]},"name":1.5}]',
    '[{"type":"object","properties":{}},{"type":"","name":null}]',
    "[" * 3000,
    "{}",
    "",
)


def _described(signature: str) -> bytes:
    return f"{MLMODEL}signature:\n  inputs: {json.dumps(signature)}\n  outputs: null\n".encode()


SEEDS = [_described(signature) for signature in _SIGNATURES] + [
    b"",
    b"flavors: {onnx: {data: model.onnx}}\nsignature: {inputs: 5}\n",
    b"flavors: {onnx: {data: [&a [x, x], *a, *a]}}\n",
    b"flavors: {sklearn: {}, 3: {}, ~: {}, 1.5: {}}\n",
    b"flavors: {onnx: {data: ../model.onnx}}\nsaved_input_example_info: {artifact_path: [1], serving_input_path: {}}\n",
    b"a: &a [1, *a]\nflavors: *a\n",
    b"- !!timestamp 2001-99-99\n- !!int ''\n- !!float .\n- !!binary '='\n- !!set {a}\n- !!omap [a: 1]\n",
    b"{? [a] : b, ? {} : c}\n",
    b"!!python/object/apply:os.system [id]\n",
    b"<<: [1]\n",
    b"\xff\xfea\0:\0",
]


def one(data: bytes) -> None:
    """Read the file, and give each model the features that it names."""
    logging.getLogger("moorage_runtime.storage.signatures").disabled = True
    _FILE.write_bytes(data)
    try:
        identity = formats.identify(_FILE, FILES, None)
    except ArtifactFault as fault:
        if len(fault.message) > 1000 + len(data):
            raise AssertionError("a message without end") from fault
        return
    assert identity.model_file in FILES
    assert identity.example is None or identity.example.path in FILES
    for specs in MODELS:
        made = layout(identity.signature, specs)
        assert len({feature.name for feature in made.features}) == len(made.features)
        try:
            Reader(made, 1000).read(b'{"features":{"a":1,"b":"x"}}')
        except RequestFault as fault:
            if fault.status != 422:
                raise AssertionError("another refusal than for features") from fault

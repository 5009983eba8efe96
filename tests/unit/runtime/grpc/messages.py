"""The protocol's messages by google.protobuf: the judge of our own reading and writing.

In a pool of descriptors of their own: other projects' clients register messages of the same names in the usual one.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc
from tests.unit.runtime.pod import RUNTIME

PROTOCOL = RUNTIME / "moorage_runtime" / "servers" / "grpc" / "protocol"
FILES = ("open_inference.proto", "health.proto", "reflection.proto")


def compiled() -> bytes:
    """Our protocols as protoc understands them: a FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "described"
        assert protoc.main(["protoc", f"-I{PROTOCOL}", f"--descriptor_set_out={out}", *FILES]) == 0
        return out.read_bytes()


@cache
def described() -> Any:
    """Our protocol of inference: a FileDescriptorProto."""
    return descriptor_pb2.FileDescriptorSet.FromString(compiled()).file[0]


def classes(*files: Any) -> dict[str, Any]:
    """Message classes by full name."""
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    made: dict[str, Any] = message_factory.GetMessageClassesForFiles([file.name for file in files], pool)
    return made


@cache
def of_inference() -> dict[str, Any]:
    return classes(described())


def make(name: str, /, **values: Any) -> Any:
    """A message of the protocol: `make("ModelInferRequest", model_name="fraud")`."""
    return of_inference()[f"inference.{name}"](**values)


def read(name: str, content: bytes) -> Any:
    return of_inference()[f"inference.{name}"].FromString(content)


if __name__ == "__main__":
    (PROTOCOL / "described.binpb").write_bytes(compiled())

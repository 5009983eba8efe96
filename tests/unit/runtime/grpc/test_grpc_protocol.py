"""Our .proto is the public protocol, and what is generated from it is fresh."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.unit.runtime.grpc import messages

from moorage_runtime.servers.grpc import reflection

FOREIGN = (
    "import json; from tritonclient.grpc import service_pb2 as theirs; "
    "print(json.dumps(theirs.DESCRIPTOR.serialized_pb.hex()))"
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """NVIDIA's own description, read in a process of its own."""
    told = subprocess.run([sys.executable, "-c", FOREIGN], capture_output=True, text=True, check=True).stdout
    return descriptor_pb2.FileDescriptorProto.FromString(bytes.fromhex(json.loads(told)))


def fields(message: Any, prefix: str = "") -> dict[str, tuple[Any, ...]]:
    """Every field of a message and those inside: number, type, label, and the name of a message type."""
    name = f"{prefix}{message.name}"
    found = {
        f"{name}.{field.name}": (field.number, field.type, field.label, field.type_name, field.HasField("oneof_index"))
        for field in message.field
    }
    for nested in message.nested_type:
        found |= fields(nested, name + ".")
    return found


def test_every_message_of_ours_is_theirs_field_by_field(theirs: Any) -> None:
    ours = messages.described()
    assert ours.package == theirs.package
    known = {message.name: message for message in theirs.message_type}
    for message in ours.message_type:
        assert fields(message) == fields(known[message.name])
    assert len(ours.message_type) == 22


def test_every_call_of_ours_is_theirs(theirs: Any) -> None:
    def calls(file: Any) -> dict[str, tuple[Any, ...]]:
        return {
            each.name: (each.input_type, each.output_type, each.client_streaming, each.server_streaming)
            for each in file.service[0].method
        }

    ours = calls(messages.described())
    assert ours.items() <= calls(theirs).items()
    assert len(ours) == 10


def test_generating_again_changes_nothing() -> None:
    assert reflection.DESCRIBED.read_bytes() == messages.compiled()


@pytest.mark.parametrize(("ours", "theirs"), [(1, health_pb2), (2, reflection_pb2)])
def test_the_small_protocols_are_the_public_ones(ours: int, theirs: Any) -> None:
    described = descriptor_pb2.FileDescriptorSet.FromString(messages.compiled()).file[ours]
    public = descriptor_pb2.FileDescriptorProto.FromString(theirs.DESCRIPTOR.serialized_pb)
    known = {message.name: message for message in public.message_type}
    assert described.package == public.package
    for message in described.message_type:
        assert fields(message).items() <= fields(known[message.name]).items()
    calls = {method.name for method in described.service[0].method}
    assert calls <= {method.name for method in public.service[0].method}

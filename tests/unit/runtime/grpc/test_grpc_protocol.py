"""Our .proto is the public protocol, and what is generated from it is fresh."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from grpc_tools import protoc
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.pod import RUNTIME

FOREIGN = (
    "import json; from tritonclient.grpc import service_pb2 as theirs; "
    "print(json.dumps(theirs.DESCRIPTOR.serialized_pb.hex()))"
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """NVIDIA's own description, read in a process of its own."""
    from google.protobuf import descriptor_pb2

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


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    assert protoc.main(["protoc", f"-I{RUNTIME}", f"--python_out={tmp_path}", str(messages.PROTO)]) == 0
    generated = messages.PROTO.with_name("open_inference_pb2.py")
    assert (tmp_path / generated.relative_to(RUNTIME)).read_text() == generated.read_text()

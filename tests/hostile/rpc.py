"""The gRPC port: messages that are none, calls that are dropped, and frames that no client would send."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import grpc
from tests.hostile.attack import Attack
from tests.hostile.frames import CLOSE, Frames
from tests.hostile.sending import LEAKS
from tests.hostile.server import Server
from tests.unit.runtime.bad import v2_json
from tests.unit.runtime.grpc import messages
from tests.unit.runtime.grpc.test_grpc_request import REFUSED, TOO_MANY

SERVICE = "/inference.GRPCInferenceService/"
INFER = SERVICE + "ModelInfer"
FIELDS = {"FP32": "fp32", "INT8": "int", "UINT64": "uint64", "BOOL": "bool", "BYTES": "bytes"}
BAD, LARGE, LOST, LATE = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "NOT_FOUND", "DEADLINE_EXCEEDED"
# A server that stops reading closes the connection; a client that is still writing may hear of that first.
GONE = "UNAVAILABLE"
_PAIR = b"\x0a\x04pair"


def question(**more: Any) -> bytes:
    values: dict[str, Any] = {
        "model_name": "pair",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2]}],
        "raw_input_contents": [bytes(8)],
    }
    content: bytes = messages.make("ModelInferRequest", **values | more).SerializeToString()
    return content


def attacks() -> Iterator[Attack]:
    for number, (message, told) in enumerate(REFUSED):
        content = message if isinstance(message, bytes) else message.SerializeToString()
        if len(content) < 1 << 20:
            wanted = LARGE if told is TOO_MANY else BAD
            yield _asked("tensors", f"{number}: {told[:60]}", _PAIR + content, wanted)
    yield from _tensors()
    yield from _messages()
    yield from _calls()
    yield from _methods()
    for name, (act, ends) in _FLOODS.items():
        yield Attack("grpc", "gRPC", name, act, ends)


def _asked(kind: str, name: str, content: bytes, *ends: str, method: str = INFER, **more: Any) -> Attack:
    return Attack("grpc", kind, name, lambda server: call(server, content, method, **more), ends)


def call(server: Server, content: bytes, method: str = INFER, **more: Any) -> str:
    """The code that a call ends with."""
    with _channel(server) as channel:
        try:
            channel.unary_unary(method)(content, **{"timeout": 20} | more)
        except grpc.RpcError as error:
            details = error.details() or ""
            assert len(details) < 2000
            assert not any(leak in details.encode() for leak in LEAKS)
            return str(error.code().name)
    return "OK"


def _channel(server: Server) -> grpc.Channel:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    return grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=options)


def _tensors() -> Iterator[Attack]:
    shapes: list[list[int]] = [
        [], [2], [1, 3], [-1, 2], [0, 2], [2, 2], [2**31, 2], [2**62, 2], [2**63 - 1, 2], [-(2**63), 2],
        [1] * 33, [1] * 5000,
    ]  # fmt: skip
    for shape in shapes:
        content = question(inputs=[{"name": "x", "datatype": "FP32", "shape": shape}])
        yield _asked("tensors", f"shape {str(shape)[:40]} ({len(shape)})", content, BAD, LARGE)
    for datatype in ("FP64", "INT32", "BF16", "BYTES", "fp32", "float", "", "X" * 10_000):
        content = question(inputs=[{"name": "x", "datatype": datatype, "shape": [1, 2]}])
        yield _asked("tensors", f"datatype {datatype[:20]!r}", content, BAD)
    for size in (0, 1, 7, 9, 12, 1 << 20):
        yield _asked("tensors", f"{size} raw bytes", question(raw_input_contents=[bytes(size)]), BAD)
    for datatype, field in FIELDS.items():
        yield _asked("tensors", f"all but {datatype}", _fraud(without=datatype), BAD)
        yield _asked("tensors", f"{datatype} in another field", _fraud(contents={datatype: _other(field)}), BAD)


def _other(field: str) -> dict[str, Any]:
    return {"fp64_contents": [1.0, 2.0]} if field != "fp64" else {}


def _fraud(without: str = "", contents: Mapping[str, dict[str, Any]] = MappingProxyType({})) -> bytes:
    inputs = [
        {
            "name": f"in_{name}",
            "datatype": name,
            "shape": [1, 2],
            "contents": contents.get(name, {f"{field}_contents": _plain(name)}),
        }
        for name, field in FIELDS.items()
        if name != without
    ]
    content: bytes = messages.make("ModelInferRequest", model_name="fraud", inputs=inputs).SerializeToString()
    return content


def _plain(name: str) -> list[Any]:
    return [value.encode() if isinstance(value, str) else value for value in v2_json.GOOD[name]]


def _messages() -> Iterator[Attack]:
    good = question()
    table: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "nothing": (b"", (LOST, BAD)),
        "noise": (bytes(range(256)), (BAD, LOST)),
        "JSON": (b'{"model_name":"pair"}', (BAD, LOST)),
        "a megabyte of noise": (b"\xff" * (1 << 20), (BAD,)),
        "a megabyte of groups": (b"\x0b" * (1 << 20), (BAD,)),
        "a length past the end": (b"\x0a\x7fpair", (BAD,)),
        "a length of 2^63": (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", (BAD,)),
        "field 0": (b"\x02\x00" + good, (BAD,)),
        "a model without UTF-8": (b"\x0a\x02\xff\xfe", (BAD,)),
        "a hundred thousand ids": (b"\x1a\x00" * 100_000, (BAD,)),
        "a hundred thousand raw tensors": (_PAIR + b"\x3a\x00" * 100_000, (BAD,)),
        "a million empty inputs": (_PAIR + b"\x2a\x00" * 1_000_000, (BAD,)),
        "a message of a GiB, said": (b"\x3a\x80\x80\x80\x80\x04", (BAD,)),
        "over the limit": (good + b"\x3a" + b"\xff\xff\xff\x27" + bytes(0x27FFFFF * 2), (LARGE, GONE)),
        "unknown fields": (good + b"\xfa\x7f\x01x" * 1000, ("OK",)),
        "an id of a megabyte": (question(id="i" * (1 << 20)), ("OK",)),
    }  # fmt: skip
    for name, (content, ends) in table.items():
        kind = "sizes" if "limit" in name else "gRPC"
        yield _asked(kind, name, content, *ends)
        if kind == "gRPC" and len(content) < 1 << 20:
            yield Attack("grpc", "gRPC", f"{name}, in a stream", _streamed(content), ("OK", "error"))
    for count in range(0, len(good), 4):
        yield _asked("gRPC", f"cut after {count} bytes", good[:count], BAD, LOST)
    bomb = question(raw_input_contents=[bytes(80 << 20)])
    squeezed = grpc.Compression.Gzip
    yield _asked("compression bombs", "a compressed message over the limit", bomb, LARGE, GONE, compression=squeezed)
    yield _asked("compression bombs", "compressed", good, "OK", compression=squeezed)


def _streamed(content: bytes) -> Callable[[Server], str]:
    """A bad message in a stream hurts neither the good one before nor the one behind it."""

    def act(server: Server) -> str:
        sent = [question(id="1"), content, question(id="3")]
        with _channel(server) as channel:
            parts = list(channel.stream_stream(SERVICE + "ModelStreamInfer")(iter(sent), timeout=20))
        told = [messages.read("ModelStreamInferResponse", part) for part in parts]
        assert [bool(part.error_message) for part in (told[0], told[2])] == [False, False]
        return "error" if told[1].error_message else "OK"

    return act


def _calls() -> Iterator[Attack]:
    # The client's library rounds the shortest up.
    for seconds in (0.0, -1.0, 1e-9):
        late = (LATE,) if seconds < 0 else (LATE, "OK")
        yield _asked("gRPC", f"a deadline of {seconds}", question(), *late, timeout=seconds)
    for name in ("nobody", "PAIR", "../pair", "pair\0", "pair/versions/1", "p\u0430ir", "a" * 60_000, "\r\nx: y", ""):
        yield _asked("paths", f"model {name[:30]!a}", question(model_name=name), LOST, BAD)
        yield _asked("paths", f"version {name[:30]!a}", question(model_version=name or "0"), LOST, BAD)
    metadata: dict[str, tuple[list[tuple[str, str | bytes]], tuple[str, ...]]] = {
        "metadata of 64 KiB": ([("x", "y" * 65_536)], (LARGE, "UNAVAILABLE", "INTERNAL")),
        "a thousand entries": ([(f"x{at}", "y" * 40) for at in range(1000)], (LARGE, "UNAVAILABLE", "INTERNAL")),
        "binary metadata": ([("x-bin", bytes(range(256)))], ("OK",)),
        "forged addresses": ([("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=1")], ("OK",)),
        "a trace of garbage": ([("traceparent", "00-zz"), ("tracestate", "~" * 600)], ("OK",)),
        "an id of garbage": ([("x-request-id", "<script>" * 100)], ("OK",)),
        "keys that nobody asked for": ([("authorization", "Bearer x")], ("OK",)),
    }
    for told, (entries, ends) in metadata.items():
        yield _asked("heads and smuggling", told, question(), *ends, metadata=entries)


def _methods() -> Iterator[Attack]:
    unknown = "UNIMPLEMENTED"
    for method in (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/inference.GRPCInferenceService/RepositoryModelLoad",
        "/inference.GRPCInferenceService/RepositoryModelUnload",
        "/inference.GRPCInferenceService/RepositoryIndex",
        "/inference.GRPCInferenceService/SystemSharedMemoryRegister",
        "/inference.GRPCInferenceService/CudaSharedMemoryRegister",
        "/inference.GRPCInferenceService/ModelConfig",
        "/inference.GRPCInferenceService/ModelStatistics",
        "/inference.GRPCInferenceService/TraceSetting",
        "/inference.GRPCInferenceService/LogSettings",
        "/inference.GRPCInferenceService/modelinfer",
        "/inference.GRPCInferenceService/ModelInfer/",
        "//inference.GRPCInferenceService/ModelInfer",
        "/inference.GRPCInferenceService/../ModelInfer",
        "/inference.GRPCInferenceService%2FModelInfer",
        "/grpc.channelz.v1.Channelz/GetServers",
        "/x" * 3000,
    ):
        yield _asked("closed doors", method[:90], b"", unknown, method=method)


def _frames(server: Server) -> Frames:
    return Frames(socket.create_connection(("127.0.0.1", server.grpc_port), timeout=20))


def _ends(frames: Frames) -> str:
    """Whether the server gave the connection up, or goes on."""
    try:
        frames.ping()
        return "goes on" if frames.pinged(10) else CLOSE
    except OSError:
        return CLOSE
    finally:
        frames.close()


def _resets(server: Server) -> str:
    """Rapid reset: thousands of calls, each given up at once."""
    frames = _frames(server)
    try:
        for stream in range(1, 8001, 2):
            frames.headers(stream, INFER)
            frames.reset(stream)
    except OSError:
        return CLOSE
    return _ends(frames)


def _tricked(path: str, **more: Any) -> Callable[[Server], str]:
    def act(server: Server) -> str:
        frames = _frames(server)
        frames.headers(1, path, **more)
        frames.data(1, question())
        return _ends(frames)

    return act


def _sent(make: Callable[[Frames], None]) -> Callable[[Server], str]:
    def act(server: Server) -> str:
        frames = _frames(server)
        try:
            make(frames)
        except OSError:
            return CLOSE
        return _ends(frames)

    return act


def _continuations(frames: Frames) -> None:
    frames.headers(1, INFER, end=False)
    for _ in range(2000):
        frames.frame(9, 0, 1, b"\x00\x01x\x01y" * 100)


def _settings(frames: Frames) -> None:
    for _ in range(5000):
        frames.frame(4, 0, 0, b"")


def _pings(frames: Frames) -> None:
    for _ in range(5000):
        frames.ping()


def _oversized(frames: Frames) -> None:
    frames.frame(0, 0, 1, bytes(1 << 20))


def _table_bomb(frames: Frames) -> None:
    """One large entry of the table of headers, named thousands of times by a byte each."""
    frames.bomb(1, INFER, 4000, 30_000)


def _half(frames: Frames) -> None:
    frames.line.sendall(b"\x00\x40\x00\x01\x04\x00\x00\x00\x01")
    time.sleep(0.1)
    frames.line.shutdown(socket.SHUT_WR)


def _http1(server: Server) -> str:
    with socket.create_connection(("127.0.0.1", server.grpc_port), timeout=20) as line:
        line.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        return "200" if b" 200 " in line.recv(1000) else CLOSE


_ANY = (CLOSE, "goes on")
_FLOODS: dict[str, tuple[Callable[[Server], str], tuple[str, ...]]] = {
    "four thousand calls given up at once": (_resets, _ANY),
    "a path without a slash": (_tricked(INFER[1:]), _ANY),
    "no path": (_tricked(""), _ANY),
    "a path with a NUL": (_tricked("/a\0b"), _ANY),
    "a path with a line's end": (_tricked("/a\r\nb: c"), _ANY),
    "another method": (_tricked(INFER, method="GET"), _ANY),
    "another type": (_tricked(INFER, kind="text/html"), _ANY),
    "no authority": (_tricked(INFER, authority=""), _ANY),
    "headers without an end": (_sent(_continuations), _ANY),
    "five thousand settings": (_sent(_settings), _ANY),
    "five thousand pings": (_sent(_pings), _ANY),
    "a frame over its size": (_sent(_oversized), _ANY),
    "a bomb of headers": (_sent(_table_bomb), _ANY),
    "half a frame": (_sent(_half), _ANY),
    "HTTP/1.1": (_http1, (CLOSE,)),
}

"""The floor of gRPC in Python: grpc.aio handing out one prepared answer, nothing parsed and nothing built."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Any

import grpc

RAW = struct.pack("<q", 0), struct.pack("<2f", 0.98883504, 0.01116496)


def answer() -> bytes:
    """A ModelInferResponse of one row: label INT64, probabilities FP32, raw."""
    from tritonclient.grpc import service_pb2

    response = service_pb2.ModelInferResponse(model_name="fraud", raw_output_contents=RAW)
    response.outputs.add(name="label", datatype="INT64", shape=(1,))
    response.outputs.add(name="probabilities", datatype="FP32", shape=(1, 2))
    written: bytes = response.SerializeToString()
    return written


class Constant(grpc.GenericRpcHandler):
    """Every method answers alike."""

    def __init__(self, constant: bytes) -> None:
        async def handle(_request: bytes, _context: Any) -> bytes:
            return constant

        self.method = grpc.unary_unary_rpc_method_handler(handle)

    def service(self, _details: Any) -> Any:
        return self.method


async def main() -> None:
    """Serve until stopped."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Constant(answer()),))
    server.add_insecure_port(f"127.0.0.1:{int(os.environ['PORT']) + 1}")
    await server.start()
    await server.wait_for_termination()


asyncio.run(main())

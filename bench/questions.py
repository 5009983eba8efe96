"""One question to a server, and whether its answer is right."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any

import numpy as np

from . import answers
from .cells import Cell
from .contestant import Contestant
from .payloads import Payload

SECONDS = 10.0
FRESH = [("grpc.use_local_subchannel_pool", 1)]


def ask(contestant: Contestant, cell: Cell, port: int, payload: Payload) -> None:
    """Raises OSError when nobody answers, answers.Wrong when the answer is not the model's."""
    if cell.door == "grpc":
        _ask_grpc(contestant, port, payload)
    else:
        _ask_http(contestant, cell, port, payload)


def _ask_http(contestant: Contestant, cell: Cell, port: int, payload: Payload) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("POST", contestant.path(cell), payload.body, {**payload.headers, **contestant.headers})
        answer = connection.getresponse()
        body = answer.read()
    except HTTPException as fault:
        raise OSError(str(fault)) from fault
    finally:
        connection.close()
    if contestant.constant and answer.status == 200:
        return
    headers = {name.lower(): value for name, value in answer.getheaders()}
    answers.check(contestant.model, payload.tensor, answer.status, headers, body)


def _ask_grpc(contestant: Contestant, port: int, payload: Payload) -> None:
    import grpc
    from tritonclient.grpc import service_pb2

    with grpc.insecure_channel(f"127.0.0.1:{port}", FRESH) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        try:
            raw = infer(payload.body[5:], timeout=SECONDS)
        except grpc.RpcError as fault:
            raise OSError(fault.details()) from fault
    if not contestant.constant:
        answers.compare(
            contestant.model, payload.tensor, _probabilities(service_pb2.ModelInferResponse.FromString(raw))
        )


def _probabilities(answer: Any) -> Any:
    at = [output.name for output in answer.outputs].index("probabilities")
    if answer.raw_output_contents:
        return np.frombuffer(answer.raw_output_contents[at], np.float32)
    return np.array(answer.outputs[at].contents.fp32_contents, np.float32)

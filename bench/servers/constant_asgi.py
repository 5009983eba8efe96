"""The reference: a raw ASGI application that reads the body and answers a constant."""

from __future__ import annotations

from typing import Any

BODY = (
    b'{"model_name":"fraud","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[0]},'
    b'{"name":"probabilities","datatype":"FP32","shape":[1,2],"data":[0.9888350367546082,0.011164963245391846]}]}'
)
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
END = {"type": "http.response.body", "body": BODY}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer everything alike."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send(END)

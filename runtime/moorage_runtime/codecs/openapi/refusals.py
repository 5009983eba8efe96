"""How each door says no."""

from __future__ import annotations

from moorage_runtime.codecs.openapi.subject import Schema

MEANINGS = {
    400: "No JSON, or a request that does not fit the model; the message begins with the path of what is wrong.",
    401: "No valid API key.",
    404: "No such path, model or version.",
    405: "The path takes another method.",
    406: "The answer has no form that the client accepts.",
    408: "The request did not arrive in time.",
    411: "A body needs Content-Length or chunks.",
    413: "The body is too large, or has too many elements.",
    415: "The body's type or coding is not supported.",
    422: "Features are missing, unknown or of the wrong type; the message names each by row and feature.",
    429: "The model is busy; try again after Retry-After.",
    431: "The head is too large.",
    500: "The model failed on this input.",
    503: "The model is loading, or this server is leaving.",
    504: "No answer within the deadline.",
}
READING = (401, 404, 405, 406, 408, 431, 503)
ASKING = (400, 401, 404, 405, 406, 408, 411, 413, 415, 422, 429, 431, 500, 503, 504)

SCHEMAS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "reason", "message", "requestId"],
                "properties": {
                    "code": {"type": "integer"},
                    "reason": {"type": "string", "description": "a word for programs"},
                    "message": {"type": "string", "description": "a sentence for people"},
                    "requestId": {"type": "string"},
                },
            }
        },
    },
    "PlainError": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
}


def responses(statuses: tuple[int, ...], schema: str, *, keys: bool) -> dict[str, Schema]:
    """The refusals of a path, by status."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        str(status): {"description": MEANINGS[status], "content": content}
        for status in statuses
        if keys or status != 401
    }

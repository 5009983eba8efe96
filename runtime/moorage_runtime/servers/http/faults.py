"""Refusals of the transport that several of its parts give."""

from __future__ import annotations

from moorage_runtime.errors import RequestFault


def too_large(limit: int) -> RequestFault:
    """The refusal of a body over its limit."""
    return RequestFault(413, "BodyTooLarge", f"the body is larger than {limit} bytes")


def crowded() -> RequestFault:
    """The refusal of a body when all bodies together are too much."""
    return RequestFault(503, "Overloaded", "too many large requests at once", ((b"retry-after", b"1"),))


def internal() -> RequestFault:
    """The refusal for what is our fault; what it is stands in the log."""
    return RequestFault(500, "InternalError", "internal error")

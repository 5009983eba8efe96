"""Why the kernel does not walk a forest."""

from __future__ import annotations


class Unfit(Exception):
    """The model is left to ONNX Runtime; the message says why, in words for who reads `/state`."""

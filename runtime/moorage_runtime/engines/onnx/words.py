"""ONNX Runtime's messages as a user may read them: without its source's places, this machine's folders and codes."""

from __future__ import annotations

import re

# Folders in front of a file name.
_FOLDERS = re.compile(r"(?:/[^/\s\"']+)*/(?=[^/\s\"'])")
_CODE = re.compile(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")


def of_load(error: Exception) -> str:
    """Why a model does not load; at most 600 characters."""
    return _FOLDERS.sub("", str(error))[:600]


def of_run(error: Exception) -> str:
    """Why a run failed: the failing node's own words where it gives any; at most 300 characters."""
    text = _CODE.sub("", str(error)).rpartition("Status Message: ")[2]
    return _FOLDERS.sub("", text).strip()[:300]

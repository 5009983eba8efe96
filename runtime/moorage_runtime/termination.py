"""The last word of a container: one document of the contract, small enough for the kubelet to keep whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from moorage_runtime.config import TERMINATION_BYTES, DownloadReport, ServeReport, encode


def write(path: Path, report: DownloadReport | ServeReport) -> None:
    """Write the report. A message too long for the kubelet's 4096 bytes is cut, never the JSON around it."""
    path.write_bytes(fitted(report))


def fitted(report: DownloadReport | ServeReport) -> bytes:
    """The report as JSON of at most `TERMINATION_BYTES` bytes; its message is cut at a character's end if need be."""
    text = encode(report).encode()
    message = report.message or ""
    while len(text) > TERMINATION_BYTES:
        message = message[: max(0, len(message) - max(1, (len(text) - TERMINATION_BYTES) // 6) - 4)]
        text = encode(msgspec.structs.replace(report, message=message + "...")).encode()
    return text

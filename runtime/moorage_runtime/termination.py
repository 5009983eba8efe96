"""The last word of a container: one document of the contract, small enough for the kubelet to keep whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from moorage_runtime.config import TERMINATION_BYTES, DownloadReport, Schema, ServeReport, encode


def write(path: Path, report: DownloadReport | ServeReport) -> None:
    """Write the report. What is too long for the kubelet's 4096 bytes is cut, never the JSON around it."""
    path.write_bytes(fitted(report))


def fitted(report: DownloadReport | ServeReport) -> bytes:
    """The report as JSON of at most `TERMINATION_BYTES` bytes: parts of its schema are left out if need be, then its
    message is cut at a character's end.
    """
    text = encode(report).encode()
    for lighter in _lighter(report):
        if len(text) <= TERMINATION_BYTES:
            return text
        report, text = lighter, encode(lighter).encode()
    message = report.message or ""
    while len(text) > TERMINATION_BYTES:
        message = message[: max(0, len(message) - max(1, (len(text) - TERMINATION_BYTES) // 6) - 4)]
        text = encode(msgspec.structs.replace(report, message=message + "...")).encode()
    return text


def _lighter(report: DownloadReport | ServeReport) -> Iterator[DownloadReport]:
    """The same without classes, without features, without any of the schema: what the fewest rely on goes first."""
    if not isinstance(report, DownloadReport) or report.model_schema is None:
        return
    schema = msgspec.structs.replace(report.model_schema, classes=None, cut=True)
    for left in (schema, msgspec.structs.replace(schema, features=None), Schema(cut=True)):
        yield msgspec.structs.replace(report, model_schema=left)

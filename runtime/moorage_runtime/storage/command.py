"""`python -m moorage_runtime download`: run the recipe, leave its report where the kubelet finds it."""

from __future__ import annotations

import logging
import resource
import time

from moorage_runtime import termination
from moorage_runtime.config import DownloadReport, RuntimeConfig
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage.download import download

log = logging.getLogger(__name__)
REFUSED = 3


def run(config: RuntimeConfig, places: Places) -> int:
    """Download, report, and give the exit code: 0, or 3 when the artifact is refused."""
    _bound_files(config.limits.artifact_bytes)
    started = time.monotonic()
    try:
        manifest = download(config, places)
    except ArtifactFault as fault:
        report = DownloadReport(
            reason=fault.reason,
            message=fault.message,
            retriable=fault.retriable,
            seconds=round(time.monotonic() - started, 3),
        )
        log.error("artifact refused", extra={"reason": fault.reason, "detail": fault.message})
    else:
        report = DownloadReport(
            digest=manifest.digest,
            bytes=manifest.bytes,
            files=manifest.files,
            model_format=manifest.model_format,
            seconds=round(time.monotonic() - started, 3),
        )
        log.info("artifact ready", extra={"digest": report.digest, "bytes": report.bytes, "seconds": report.seconds})
    termination.write(places.termination_file, report)
    return REFUSED if report.reason else 0


def _bound_files(limit: int) -> None:
    """No file of this process may outgrow the artifact limit, whatever a store sends or a library writes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

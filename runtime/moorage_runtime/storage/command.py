"""`python -m moorage_runtime download`: run the recipe, leave its report where the kubelet finds it."""

from __future__ import annotations

import logging
import resource
import signal
import time

import msgspec

from moorage_runtime import cgroups, termination
from moorage_runtime.config import DownloadReport, RuntimeConfig
from moorage_runtime.errors import ArtifactFault
from moorage_runtime.places import Places
from moorage_runtime.storage import reasons
from moorage_runtime.storage.download import download

log = logging.getLogger(__name__)
REFUSED = 3


def run(config: RuntimeConfig, places: Places) -> int:
    """Download, report, and give the exit code: 0, or 3 when the artifact is refused."""
    _bound_files(config.limits.artifact_bytes)
    _bound_time(config.limits.download_seconds)
    started = time.monotonic()
    report = _attempt(config, places)
    signal.setitimer(signal.ITIMER_REAL, 0)
    report = msgspec.structs.replace(report, seconds=round(time.monotonic() - started, 3))
    log.log(
        logging.ERROR if report.reason else logging.INFO,
        "artifact refused" if report.reason else "artifact ready",
        extra={"report": msgspec.to_builtins(report)},
    )
    termination.write(places.termination_file, report)
    return REFUSED if report.reason else 0


def _attempt(config: RuntimeConfig, places: Places) -> DownloadReport:
    try:
        manifest = download(config, places, cgroups.memory())
    except ArtifactFault as fault:
        return DownloadReport(reason=fault.reason, message=fault.message, retriable=fault.retriable)
    except Exception as error:
        log.exception("download failed unexpectedly")
        return DownloadReport(
            reason=reasons.DOWNLOAD_FAILED,
            message=f"an error without a name of its own: {type(error).__name__}; the container's log has the details",
            retriable=True,
        )
    return DownloadReport(
        digest=manifest.digest,
        bytes=manifest.bytes,
        files=manifest.files,
        model_format=manifest.model_format,
        model_schema=manifest.model_schema,
    )


def _bound_time(seconds: float) -> None:
    """End a call that a store keeps busy with a trickle: between two calls the deadline itself is looked at."""

    def over(*_: object) -> None:
        raise reasons.refuse(
            reasons.DOWNLOAD_INTERRUPTED,
            f"the download did not finish within {seconds:g} s; what came is kept and the next try resumes",
        )

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _bound_files(limit: int) -> None:
    """No file of this process may outgrow the artifact limit, whatever a store sends or a library writes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

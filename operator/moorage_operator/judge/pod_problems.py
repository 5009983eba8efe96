"""What keeps a pod from answering: an ordered chain of named checks, the first that says something wins.

No message holds a pod's name or a count that moves: the same trouble must give the same words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from moorage_operator.api.conditions import Reason
from moorage_operator.api.problem import Problem, impatient
from moorage_operator.judge.evidence import worst
from moorage_operator.names import DOWNLOAD_CONTAINER, SERVE_CONTAINER
from moorage_operator.observed.pod import Pod, last_end

Check = Callable[[Pod], Problem | None]

PATIENCE_SECONDS = 60.0
LAST_LINES = 4

_IMAGE_WAITS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_IMAGE_IS_GONE = ("not found", "manifest unknown", "not present", "InvalidImageName")
_CONFIG_WAITS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*": (ErrImagePull: )?')
_KILLED = (0, 137, 143)
_TOO_SMALL_TO_START = ("OOM-killed", "memory limit too low")


def download_problem(pods: Iterable[Pod], digest: str | None, secret: str | None) -> Problem | None:
    """What the download says, the worst of all pods. `digest`: the revision's pin; `secret`: of its credentials."""
    return worst(*(_download(pod, secret) or _mismatch(pod, digest) for pod in pods))


def serving_problem(pods: Iterable[Pod], now: datetime, *, proven: bool) -> Problem | None:
    """What keeps the pods from answering, the worst of all. `proven`: a revision that served; it may come back."""
    waiting = [pod for pod in pods if not pod.ready]
    found = [_unscheduled(pod, now) or _image(pod, now) or _config(pod) for pod in waiting]
    fallen = [_first(pod, (_out_of_memory, _load, _startup, _crash)) for pod in waiting]
    if proven:
        fallen = [Problem(each.reason, each.message) if each else None for each in fallen]
    return worst(*found, *fallen)


def _first(pod: Pod, checks: Iterable[Check]) -> Problem | None:
    return next((problem for check in checks if (problem := check(pod)) is not None), None)


def _download(pod: Pod, secret: str | None) -> Problem | None:
    ended = last_end(pod.container(DOWNLOAD_CONTAINER))
    if pod.ready or not ended or ended.get("exitCode") == 0:
        return None
    report = pod.download_report
    if report is not None and report.reason:
        said = (report.message or "The download gave no further word").rstrip(". ")
        return Problem(report.reason, f"{said}.{_whose(report.reason, secret)}", terminal=not report.retriable)
    return _memory("download") if _starved(ended) else _ended("download", ended)


def _whose(reason: str, secret: str | None) -> str:
    """The pod does not know the name of the Secret that it looks into."""
    if secret is None or reason not in (Reason.CREDENTIALS_MISSING, Reason.ACCESS_DENIED):
        return ""
    return f" spec.model.secretName names Secret {secret}: create it in this namespace, or correct its keys."


def _mismatch(pod: Pod, digest: str | None) -> Problem | None:
    if digest is None or pod.digest in (None, digest):
        return None
    message = (
        f"A pod loaded {pod.digest}, but this revision is pinned to {digest}: the artifact was changed under the same "
        "version. Register the new content as a new version."
    )
    return Problem(Reason.DIGEST_MISMATCH, message, terminal=True)


def _unscheduled(pod: Pod, now: datetime) -> Problem | None:
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") != "False":
        return None
    said = str(scheduled.get("message") or "no reason given").rstrip(". ")
    if missing := re.search(r'persistentvolumeclaim "([^"]+)" not found', said):
        message = f"PersistentVolumeClaim {missing[1]} does not exist. Create it in this namespace."
        return Problem(Reason.CLAIM_MISSING, message, terminal=True)
    cure = "Ask for less in spec.resources, loosen nodeSelector, affinity or tolerations, or add nodes."
    return impatient(Reason.UNSCHEDULABLE, f"No node can take the pod: {said}. {cure}", _patience(pod, now))


def _patience(pod: Pod, now: datetime) -> float:
    """A node may be on its way, a registry may come back; after a while somebody should know."""
    return PATIENCE_SECONDS - (now - (pod.born or now)).total_seconds()


def _image(pod: Pod, now: datetime) -> Problem | None:
    for container, waiting in _waiting(pod):
        if waiting.get("reason") in _IMAGE_WAITS:
            image, said = container.get("image", "of the pod"), _said(waiting)
            message = (
                f"The node cannot get image {image}: {said}. Push it, correct its name in the operator's settings, or "
                "name imagePullSecrets in spec.podTemplate."
            )
            gone = any(words in f"{waiting['reason']} {said}" for words in _IMAGE_IS_GONE)
            return impatient(Reason.IMAGE_UNAVAILABLE, message, 0.0 if gone else _patience(pod, now))
    return None


def _config(pod: Pod) -> Problem | None:
    for container, waiting in _waiting(pod):
        if waiting.get("reason") in _CONFIG_WAITS:
            if _starved(waiting):
                return _memory(str(container.get("name")))
            message = f"The kubelet cannot set the container up: {_said(waiting)}. Correct what it names."
            return Problem(Reason.CONTAINER_CONFIG_ERROR, message, terminal=True)
    return None


def _out_of_memory(pod: Pod) -> Problem | None:
    return _memory("server") if _starved(last_end(pod.container(SERVE_CONTAINER))) else None


def _starved(ended: Mapping[str, Any]) -> bool:
    """Killed for its memory, be it before its first instruction: then only the container runtime's words tell."""
    said = str(ended.get("message") or "")
    return ended.get("reason") == "OOMKilled" or any(words in said for words in _TOO_SMALL_TO_START)


def _load(pod: Pod) -> Problem | None:
    report = pod.serve_report
    return Problem(report.reason, report.message, terminal=True) if report is not None else None


def _startup(pod: Pod) -> Problem | None:
    server = pod.container(SERVE_CONTAINER)
    ended = last_end(server)
    if not ended or server.get("started") or ended.get("exitCode") not in _KILLED:
        return None
    message = (
        "The kubelet stopped the server because the model was not loaded and tested within the startup time. Give it "
        "more CPU in spec.resources, or make the model smaller."
    )
    return Problem(Reason.STARTUP_PROBE_FAILING, message, terminal=True)


def _crash(pod: Pod) -> Problem | None:
    ended = last_end(pod.container(SERVE_CONTAINER))
    return _ended("server", ended) if ended else None


def _memory(container: str) -> Problem:
    message = f"The {container} container needed more memory than its limit. Raise spec.resources.limits.memory."
    return Problem(Reason.OOM_KILLED, message, terminal=True)


def _ended(container: str, ended: Mapping[str, Any]) -> Problem:
    code, last_words = ended.get("exitCode"), _last_words(str(ended.get("message") or ""))
    told = f"Its last words: {last_words}" if last_words else "It left no message; read its log."
    return Problem(Reason.CRASH_LOOP, f"The {container} container ended with exit code {code}. {told}", terminal=True)


def _last_words(text: str) -> str:
    """The end of what it said: a message of its own, or the last lines of its log, which tell the time each time."""
    lines = [_without_time(line) for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-LAST_LINES:])[-400:]


def _without_time(line: str) -> str:
    try:
        told = json.loads(line)
    except ValueError:
        return line.strip()
    return str(told.get("message", line)) if isinstance(told, dict) else line.strip()


def _waiting(pod: Pod) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for name in (DOWNLOAD_CONTAINER, SERVE_CONTAINER):
        container = pod.container(name)
        if waiting := (container.get("state") or {}).get("waiting"):
            yield container, waiting


def _said(waiting: Mapping[str, Any]) -> str:
    """The kubelet's words, the same while it pulls and while it waits to pull again."""
    said = str(waiting.get("message") or waiting.get("reason") or "no reason given")
    return _BACK_OFF.sub("", said).rstrip(". ")

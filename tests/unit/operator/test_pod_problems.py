"""What a pod's trouble is called, and what the user is told to do, word for word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moorage_operator.api.problem import Problem
from moorage_operator.judge.pod_problems import download_problem, serving_problem
from moorage_operator.judge.refusals import replica_failure
from moorage_operator.observed.pod import Pod

BORN = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def pod(**status: Any) -> Pod:
    return Pod({"metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": status})


def download(**told: Any) -> Pod:
    return pod(initContainerStatuses=[{"name": "download", **told}])


def server(**told: Any) -> Pod:
    done = {"name": "download", "state": {"terminated": {"exitCode": 0, "message": f'{{"digest":"{DIGEST}"}}'}}}
    return pod(initContainerStatuses=[done], containerStatuses=[{"name": "server", **told}])


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def unscheduled(message: str) -> Pod:
    return pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])


MEMORY = "The server container needed more memory than its limit. Raise spec.resources.limits.memory."
STARTUP = (
    "The kubelet stopped the server because the model was not loaded and tested within the startup time. Give it more "
    "CPU in spec.resources, or make the model smaller."
)
NO_IMAGE = (
    "The node cannot get image a/b:1: not found. Push it, correct its name in the operator's settings, or name "
    "imagePullSecrets in spec.podTemplate."
)

SERVING: dict[str, tuple[Pod, Problem | None]] = {
    "young": (pod(phase="Pending"), None),
    "loading": (server(state={"running": {}}, started=False), None),
    "no node, yet": (
        unscheduled("0/1 nodes are available: 1 Insufficient cpu."),
        Problem(
            "Unschedulable",
            "No node can take the pod: 0/1 nodes are available: 1 Insufficient cpu. Ask for less in spec.resources, "
            "loosen nodeSelector, affinity or tolerations, or add nodes.",
            patience=50.0,
        ),
    ),
    "no claim": (
        unscheduled('0/1 nodes are available: persistentvolumeclaim "models" not found.'),
        Problem(
            "ClaimMissing",
            "PersistentVolumeClaim models does not exist. Create it in this namespace.",
            terminal=True,
        ),
    ),
    "no image": (
        download(image="a/b:1", state={"waiting": {"reason": "ErrImagePull", "message": "not found"}}),
        Problem("ImageUnavailable", NO_IMAGE, terminal=True),
    ),
    "no image, waiting to try again": (
        download(
            image="a/b:1",
            state={
                "waiting": {
                    "reason": "ImagePullBackOff",
                    "message": 'Back-off pulling image "a/b:1": ErrImagePull: not found',
                }
            },
        ),
        Problem("ImageUnavailable", NO_IMAGE, terminal=True),
    ),
    "no image registry": (
        server(image="a/b:1", state={"waiting": {"reason": "ErrImagePull", "message": "connection refused"}}),
        Problem("ImageUnavailable", NO_IMAGE.replace("not found", "connection refused"), patience=50.0),
    ),
    "never to be pulled": (
        server(image="a/b:1", state={"waiting": {"reason": "ErrImageNeverPull", "message": "not present"}}),
        Problem("ImageUnavailable", NO_IMAGE.replace("not found", "not present"), terminal=True),
    ),
    "a missing key": (
        server(state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}}),
        Problem(
            "ContainerConfigError",
            'The kubelet cannot set the container up: secret "s" not found. Correct what it names.',
            terminal=True,
        ),
    ),
    "too small to start": (
        server(state={"waiting": {"reason": "RunContainerError", "message": "container init was OOM-killed"}}),
        Problem("OOMKilled", MEMORY, terminal=True),
    ),
    "out of memory": (
        server(state={"running": {}}, lastState=ended(137, reason="OOMKilled"), restartCount=1),
        Problem("OOMKilled", MEMORY, terminal=True),
    ),
    "a model that does not load": (
        server(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState=ended(4, '{"reason":"ModelLoadFailed","message":"The graph is broken."}'),
        ),
        Problem("ModelLoadFailed", "The graph is broken.", terminal=True),
    ),
    "killed while starting": (
        server(state={"running": {}}, started=False, lastState=ended(137), restartCount=1),
        Problem("StartupProbeFailing", STARTUP, terminal=True),
    ),
    "crashing with a log": (
        server(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState=ended(
                1, '{"time":"12:00:01","message":"starting"}\nTraceback:\n  File "x"\n[]\nMemoryError: no\n'
            ),
        ),
        Problem(
            "CrashLoop",
            'The server container ended with exit code 1. Its last words: Traceback: | File "x" | [] | MemoryError: no',
            terminal=True,
        ),
    ),
    "crashing with one line of a log": (
        server(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState=ended(1, '{"time":"12:00:01","level":"error","message":"cannot bind port 8080"}'),
        ),
        Problem(
            "CrashLoop",
            "The server container ended with exit code 1. Its last words: cannot bind port 8080",
            terminal=True,
        ),
    ),
    "crashing with words": (
        server(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ended(1, "Illegal instruction")),
        Problem(
            "CrashLoop",
            "The server container ended with exit code 1. Its last words: Illegal instruction",
            terminal=True,
        ),
    ),
    "crashing in silence": (
        server(state=ended(139)),
        Problem(
            "CrashLoop",
            "The server container ended with exit code 139. It left no message; read its log.",
            terminal=True,
        ),
    ),
}


@pytest.mark.parametrize("title", SERVING)
def test_serving(title: str) -> None:
    looked_at, expected = SERVING[title]
    assert serving_problem([looked_at], BORN + timedelta(seconds=10), proven=False) == expected


def test_patience_ends() -> None:
    waiting = unscheduled("no node")
    late = serving_problem([waiting], BORN + timedelta(seconds=61), proven=False)
    assert late is not None
    assert (late.terminal, late.patience) == (True, None)


def test_a_proven_revision_may_come_back() -> None:
    crashed = serving_problem([SERVING["out of memory"][0]], BORN, proven=True)
    assert crashed == Problem("OOMKilled", MEMORY)


def test_the_worst_pod_is_told() -> None:
    waiting, broken = SERVING["no node, yet"][0], SERVING["crashing in silence"][0]
    worst = serving_problem([waiting, broken], BORN, proven=False)
    assert worst is not None
    assert worst.reason == "CrashLoop"


REFUSED = '{"reason":"AccessDenied","message":"The store refuses the key (403)"}'
DOWNLOADS: dict[str, tuple[Pod, Problem | None]] = {
    "under way": (download(state={"running": {}}), None),
    "done": (server(state={"running": {}}), None),
    "refused": (
        download(state=ended(3, REFUSED)),
        Problem(
            "AccessDenied",
            "The store refuses the key (403). spec.model.secretName names Secret keys: create it in this namespace, or "
            "correct its keys.",
            terminal=True,
        ),
    ),
    "refused and trying again": (
        download(state={"running": {}}, lastState=ended(3, '{"reason":"BucketNotFound","message":"No bucket b."}')),
        Problem("BucketNotFound", "No bucket b.", terminal=True),
    ),
    "cut": (
        download(state=ended(3, '{"reason":"StoreTimeout","message":"Too slow.","retriable":true}')),
        Problem("StoreTimeout", "Too slow."),
    ),
    "out of memory": (
        download(state=ended(137, reason="OOMKilled")),
        Problem("OOMKilled", MEMORY.replace("server", "download"), terminal=True),
    ),
    "half a report": (
        download(state=ended(1, '{"reason":"Acc')),
        Problem(
            "CrashLoop",
            'The download container ended with exit code 1. Its last words: {"reason":"Acc',
            terminal=True,
        ),
    ),
}


@pytest.mark.parametrize("title", DOWNLOADS)
def test_download(title: str) -> None:
    looked_at, expected = DOWNLOADS[title]
    assert download_problem([looked_at], DIGEST, "keys") == expected


def test_another_digest_than_the_pinned_one() -> None:
    other = "sha256:" + "b" * 64
    assert download_problem([server(state={"running": {}})], other, None) == Problem(
        "DigestMismatch",
        f"A pod loaded {DIGEST}, but this revision is pinned to {other}: the artifact was changed under the same "
        "version. Register the new content as a new version.",
        terminal=True,
    )


FAILURES = {
    'pods "a-b-x7k2p" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=8, limited: cpu=8': (
        "QuotaExceeded",
        "The pod cannot be created: exceeded quota: small, requested: cpu=2, used: cpu=8, limited: cpu=8. Raise the "
        "namespace's ResourceQuota, or ask for less in spec.resources.",
    ),
    'pods "a-b-c" is forbidden: violates PodSecurity "restricted:latest": hostPort': (
        "PodSecurityRefused",
        'The pod cannot be created: violates PodSecurity "restricted:latest": hostPort. Remove from spec.podTemplate '
        "what the level forbids.",
    ),
    'pods "a-" is forbidden: error looking up service account risk/reader: serviceaccount "reader" not found': (
        "ServiceAccountMissing",
        'The pod cannot be created: error looking up service account risk/reader: serviceaccount "reader" not found. '
        "Create it in this namespace.",
    ),
    'admission webhook "w" denied the request: no': (
        "AdmissionRefused",
        'The pod cannot be created: admission webhook "w" denied the request: no. Ask the webhook\'s owner, or change '
        "what it refuses.",
    ),
    "Pod is invalid: spec.x": (
        "PodRefused",
        "The pod cannot be created: Pod is invalid: spec.x. Correct what it names.",
    ),
}


@pytest.mark.parametrize("message", FAILURES)
def test_pods_that_cannot_be_created(message: str) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    problem = replica_failure({"status": {"conditions": [failure]}})
    assert problem is not None
    assert (problem.reason, problem.message) == FAILURES[message]
    assert problem.terminal


def test_no_failure() -> None:
    assert replica_failure(None) is None
    assert replica_failure({"status": {}}) is None

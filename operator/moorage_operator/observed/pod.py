"""One pod as the middle sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage_operator.api.records import Body
from moorage_operator.names import DOWNLOAD_CONTAINER, REVISION_LABEL, SERVE_CONTAINER, TOUCH_ANNOTATION
from moorage_runtime.config import DownloadReport, ServeReport, decode_download, decode_serve


@dataclass(frozen=True, slots=True)
class Pod:
    """A view on one pod's body."""

    body: Body

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Where it lives."""
        return str(self.body["metadata"]["namespace"])

    @property
    def revision(self) -> str | None:
        """The revision that its label names."""
        return _text(self._labels.get(REVISION_LABEL))

    @property
    def leaving(self) -> bool:
        """Whether it is going away, or has ended for good."""
        ended = self.status.get("phase") in ("Succeeded", "Failed")
        return ended or self.body["metadata"].get("deletionTimestamp") is not None

    @property
    def ready(self) -> bool:
        """Whether its test inference gave the expected answer: the readiness probe says so."""
        return self.condition("Ready").get("status") == "True"

    @property
    def born(self) -> datetime | None:
        """When it was created."""
        told = self.body["metadata"].get("creationTimestamp")
        return datetime.fromisoformat(told) if told else None

    @property
    def running(self) -> bool:
        """Whether the kubelet has started it, so that its volumes are mounted."""
        return self.status.get("phase") == "Running"

    @property
    def touched(self) -> str | None:
        """The route table's generation that its annotation tells."""
        annotations = self.body["metadata"].get("annotations") or {}
        return _text(annotations.get(TOUCH_ANNOTATION))

    @property
    def digest(self) -> str | None:
        """The digest that its download reported."""
        report = self.download_report
        return report.digest if report is not None else None

    @property
    def download_report(self) -> DownloadReport | None:
        """What the init container said when it last ended."""
        ended = last_end(self.container(DOWNLOAD_CONTAINER))
        return decode_download(ended.get("message") or "") if ended else None

    @property
    def serve_report(self) -> ServeReport | None:
        """What the serving container said when it last ended by itself."""
        ended = last_end(self.container(SERVE_CONTAINER))
        return decode_serve(ended.get("message") or "") if ended else None

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status."""
        return self.body.get("status") or {}

    def condition(self, kind: str) -> Mapping[str, Any]:
        """Its condition of that type; empty when there is none."""
        return find_condition(self.body, kind)

    def container(self, name: str) -> Mapping[str, Any]:
        """The status of its container or init container of that name; empty when there is none yet."""
        told = (*(self.status.get("initContainerStatuses") or ()), *(self.status.get("containerStatuses") or ()))
        return next((each for each in told if each.get("name") == name), {})

    @property
    def _labels(self) -> Mapping[str, Any]:
        return self.body["metadata"].get("labels") or {}


def last_end(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """How a container ended the last time: its `terminated` state; empty when it never did."""
    for key in ("state", "lastState"):
        ended = (container.get(key) or {}).get("terminated")
        if ended:
            return dict(ended)
    return {}


def find_condition(body: Body, kind: str) -> Mapping[str, Any]:
    """The condition of that type in an object's status; empty when there is none."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), {})


def _text(value: object) -> str | None:
    return None if value is None else str(value)

"""`GET /openapi.json`: the doors to what is served now, described exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from moorage_runtime.dataplane.plane import DataPlane
from moorage_runtime.errors import RequestFault
from moorage_runtime.servers.rest.door import Methods, reading
from moorage_runtime.servers.rest.interpreters import Interpreter, Interpreters

if TYPE_CHECKING:
    from moorage_runtime.codecs.openapi.subject import Subject


# Models that the title names.
_NAMED = 3


class OpenApiDoor:
    """Writes the document when it is first asked for, and again when other models are served."""

    def __init__(self, plane: DataPlane, interpreters: Interpreters) -> None:
        self._plane = plane
        self._interpreters = interpreters
        self._epoch = -1
        self._content = b""

    def match(self, parts: list[str]) -> Methods | None:
        """The one path."""
        return reading(self._document) if parts == ["openapi.json"] else None

    def _document(self) -> tuple[int, bytes]:
        """Raises `RequestFault` 503 while no model answers."""
        if self._epoch != self._plane.epoch:
            self._content = self._written()
            self._epoch = self._plane.epoch
        return 200, self._content

    def _written(self) -> bytes:
        # Asked for seldom: a pod should not start later, nor be larger, for it.
        from moorage_runtime.codecs.openapi.document import document

        serving = self._plane.catalogue.served
        if not serving:
            raise RequestFault(503, "ModelNotReady", "no model is loaded yet", ((b"retry-after", b"1"),))
        names = [row.name for row in self._plane.catalogue.index()]
        subjects = [_subject(self._interpreters.of(served), len(names)) for served in serving]
        return msgspec.json.encode(document(subjects, _title(names), keys=self._plane.config.api_keys))


def _title(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _subject(interpreter: Interpreter, models: int) -> Subject:
    from moorage_runtime.codecs.openapi.subject import Subject, prefix

    served = interpreter.served
    return Subject(
        name=served.name,
        version=served.version,
        prefix=prefix(served.name, models),
        layout=interpreter.layout,
        inputs=served.engine.inputs,
        optional=served.engine.optional,
        outputs=served.engine.outputs,
        roles=interpreter.writer.roles,
        classes=served.manifest.classes,
        row=interpreter.row,
        tensors=interpreter.inputs,
    )

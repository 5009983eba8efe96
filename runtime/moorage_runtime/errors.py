"""What can go wrong in the runtime, each with the name that a user sees.

RuntimeFault                 a named refusal: `reason` (CamelCase, for conditions) and `message` (what to do)
├── ArtifactFault            the download or its verification said no; ends the init container with exit code 3
├── LoadFault                the engine could not load the model, or its test inference failed
└── RequestFault             one request is refused; carries the HTTP `status`
"""

from __future__ import annotations


class RuntimeFault(Exception):
    """A refusal with a name: `reason` for machines and conditions, `message` for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class ArtifactFault(RuntimeFault):
    """The artifact could not be had, or is not what it should be. `retriable`: a later try may succeed."""

    def __init__(self, reason: str, message: str, *, retriable: bool = False) -> None:
        super().__init__(reason, message)
        self.retriable = retriable


class LoadFault(RuntimeFault):
    """The model could not be loaded, or its test inference did not give what was expected."""


class RequestFault(RuntimeFault):
    """One request is refused; `status` is its HTTP status code, `headers` go with the answer."""

    def __init__(self, status: int, reason: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(reason, message)
        self.status = status
        self.headers = headers

"""What can go wrong in the operator, each carrying the reason and the sentence that a user will read.

Fault                        `reason` (CamelCase), `message` (what happened and what to do), `retry_after` (seconds)
├── SpecFault                the CR itself cannot be served as written: Stalled until it changes
├── RegistryFault            the registry gave no answer, or said no
└── ApplyFault               the API server refused a child object, or the object is not ours
"""

from __future__ import annotations


class Fault(Exception):
    """A named refusal. `retry_after`: seconds until a new try makes sense; None: only a change from outside helps."""

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class SpecFault(Fault):
    """The CR cannot be served as written; the message names the field."""


class RegistryFault(Fault):
    """The model registry could not resolve a version. `outage`: it did not answer, so nothing is known anew."""

    def __init__(self, reason: str, message: str, *, outage: bool = False, retry_after: float | None = 10.0) -> None:
        super().__init__(reason, message, retry_after=retry_after)
        self.outage = outage


class ApplyFault(Fault):
    """A child object was refused by the API server (quota, admission, validation), or belongs to somebody else.

    `child`: its name, where it is known.
    """

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None, child: str = "") -> None:
        super().__init__(reason, message, retry_after=retry_after)
        self.child = child

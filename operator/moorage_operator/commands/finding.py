"""One finding about a resource: where it stands, how much it matters, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from moorage_operator.commands.documents import Document, Where


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The API server, or the operator, will refuse it."""
    WARNING = "warning"
    """It will be taken, and hurt."""
    ADVICE = "advice"
    """It could be better."""

    @property
    def rank(self) -> int:
        """0 matters most."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` and `column` count from 1; `path` is the field, written as kubectl writes it."""

    file: str
    line: int
    column: int
    severity: Severity
    reason: str
    path: str
    message: str

    def __str__(self) -> str:
        """One line, as compilers write it."""
        where = f"{self.file}:{self.line}:{self.column}"
        about = f"{self.path}: " if self.path else ""
        return f"{where}: {self.severity} {self.reason}: {about}{self.message}"


def finding(document: Document, where: Where, severity: Severity, reason: str, message: str) -> Finding:
    """A finding about the value at `where`."""
    place = document.place(where)
    return Finding(document.file, place.line, place.column, severity, reason, spelled(where), message)


def spelled(where: Where) -> str:
    """`spec.env[0].name`; a key that is no plain word stands in brackets."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{step}]"
    return text

"""Structured logs: one JSON object a line on stdout, few lines, never a secret, never a request body."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import msgspec

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}


class JsonLine(logging.Formatter):
    """A record as one JSON line: time, level, event, and whatever `extra` carried."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in record.__dict__.items() if key not in _PLAIN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class PlainLine(logging.Formatter):
    """The same for a person: level, event, and whatever `extra` carried; an exception below."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without its end."""
        more = ", ".join(f"{key}={value}" for key, value in record.__dict__.items() if key not in _PLAIN)
        return f"{record.levelname} {record.message}{': ' if more else ''}{more}"


def configure_for_a_person() -> None:
    """Send warnings and worse to stderr as plain lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def configure(level: int = logging.INFO) -> None:
    """Send every logger of the process to stdout as JSON lines; libraries only from WARNING on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("moorage_runtime").setLevel(level)

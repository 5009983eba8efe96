"""Why a subcommand cannot do what it was asked to."""

from __future__ import annotations


class Refused(Exception):
    """Said in one sentence, with the cure."""

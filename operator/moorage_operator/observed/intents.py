"""What people ask for, read from the annotations of the custom resource."""

from __future__ import annotations

from dataclasses import fields

from moorage_operator.api.model_deployment import Metadata
from moorage_operator.api.step import Intents
from moorage_operator.names import INTENT_PREFIX

LONGEST = 63
"""Of a value that can name a revision; the rest of a longer one is not kept."""


def intents(metadata: Metadata) -> Intents:
    """The intents that stand; an empty annotation is none."""
    told = {each.name: metadata.annotations.get(INTENT_PREFIX + each.name, "").strip() for each in fields(Intents)}
    return Intents(**{name: value[:LONGEST] for name, value in told.items() if value})

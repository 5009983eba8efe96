"""How Hypothesis searches: never by the clock of a shared machine; the same way each time where a change is judged."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("moorage", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("moorage")

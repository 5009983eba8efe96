"""Every reason is documented with a cure, and every documented reason exists."""

from __future__ import annotations

import re
from pathlib import Path

from moorage_runtime.engines import reasons as engines
from moorage_runtime.storage import reasons as storage

DOCUMENT = Path(__file__).parents[3] / "docs" / "runtime.md"


def test_the_document_lists_exactly_the_reasons_that_exist() -> None:
    documented = re.findall(r"^\| `([A-Z]\w+)` \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    defined = {value for module in (storage, engines) for name, value in vars(module).items() if name.isupper()}
    names = {value for value in defined if isinstance(value, str)} | {"ConfigInvalid"}
    assert {reason for reason, _, _ in documented} == names
    retriable = {reason for reason, meaning, _ in documented if "retriable" in meaning}
    assert retriable == storage.RETRIABLE

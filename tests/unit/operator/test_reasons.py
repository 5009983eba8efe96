"""One vocabulary: every reason that anybody can tell is in it, with a meaning and a cure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage_operator.api.conditions import ConditionType, Reason
from moorage_runtime.engines import reasons as engine_reasons
from moorage_runtime.servers.rest.auth import MISSING
from moorage_runtime.storage import reasons as storage_reasons

OPERATOR = Path(__file__).parents[3] / "operator" / "moorage_operator"


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_explains_itself(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]{2,}", reason.value)
    assert reason.meaning.endswith(".")
    assert reason.cure.endswith(".")


@pytest.mark.parametrize("kind", ConditionType)
def test_a_condition_asks_a_question(kind: ConditionType) -> None:
    assert kind.question.endswith("?")


@pytest.mark.parametrize("module", [engine_reasons, storage_reasons], ids=["engines", "storage"])
def test_the_runtimes_reasons_are_known(module: object) -> None:
    told = {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    assert told
    assert told <= {reason.value for reason in Reason}


def test_what_the_runtime_waits_for_is_known() -> None:
    assert Reason(MISSING) is Reason.API_KEYS_MISSING


def test_no_fault_carries_an_unknown_reason() -> None:
    unknown = {text for text in spelled() if text not in {reason.value for reason in Reason}}
    assert unknown == set()


def spelled() -> Iterator[str]:
    """Reasons that are written as plain text where a fault or a problem is made; no CR tells of the settings."""
    for path in set(OPERATOR.rglob("*.py")) - {OPERATOR / "settings.py"}:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and re.search(r"(Fault|Problem|impatient)$", ast.unparse(node.func)):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value

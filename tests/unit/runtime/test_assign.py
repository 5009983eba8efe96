"""`moorage assign` against the pods' own choice, and against the formula that the documentation tells."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime import config
from moorage_runtime.commands import assign
from moorage_runtime.routing.plan import plan

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ab-tests.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


def run(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, list[list[str]], str]:
    code = assign.main(arguments)
    out, err = capsysbinary.readouterr()
    return code, [line.split("\t") for line in out.decode().splitlines()], err.decode()


def documented() -> Any:
    """The function of the documentation's worked example."""
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(block("python"), names)  # noqa: S102 - the documentation's own code
    return names["arm"]


def test_the_documents_console_is_what_the_command_says(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    command, *lines = block("console").splitlines()
    words = shlex.split(command.removeprefix("$ "))
    assert words[:2] == ["moorage", "assign"]
    code, told, _ = run(capsysbinary, *words[2:])
    assert code == 0
    assert ["\t".join(line) for line in told] == lines
    arm = documented()
    assert [line[2] for line in told] == [arm("exp-1", line[0], {"b": 20, "c": 10}) for line in told]


SHARES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(0, 25), max_size=4)


@given(st.text(max_size=9), st.lists(st.text(min_size=1, max_size=20), min_size=1), SHARES)
def test_the_documented_formula_is_what_pods_do(salt: str, keys: list[str], shares: dict[str, int]) -> None:
    arm = documented()
    revisions = {"own": config.Route(version="1", role="stable")}
    for name, percent in shares.items():
        revisions[f"r-{name}"] = config.Route(version="2", role="arm", weight=percent, arm=name, address="h:80")
    known = plan(config.RouteTable(generation=1, revisions=revisions, salt=salt), "own")
    for key in keys:
        chosen = known.of_key(key.encode())
        assert arm(salt, key, shares) == (known.route(chosen).arm if chosen else "stable")


def test_keys_of_the_standard_input_and_shares(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = b"".join(b" user-%d\r\n" % at for at in range(20_000)) + b"\n\xff\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(keys)))
    assert assign.main(["--salt", "s", "--percent", "5", "--arm", "b=30"]) == 0
    lines = capsysbinary.readouterr().out.split(b"\n")
    assert lines[0].startswith(b"user-0\t")
    assert lines[-2].startswith(b"\xff\t")
    found = Counter(line.split(b"\t")[2] for line in lines[:-1])
    for name, share in ((b"b", 0.30), (b"candidate", 0.05), (b"stable", 0.65)):
        assert abs(found[name] - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


def test_a_ramp_only_adds(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    keys = [f"k{at}" for at in range(2000)]
    had: set[str] = set()
    for percent in (0, 1, 5, 25, 50, 100):
        _, told, _ = run(capsysbinary, "--salt", "ramp", "--percent", str(percent), *keys)
        has = {line[0] for line in told if line[2] == "candidate"}
        assert had <= has
        had = has
    assert len(had) == 2000


def test_the_table_of_the_pods_tells_all_itself(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    table = {
        "generation": 7,
        "salt": "exp-1",
        "keyHeader": "x-user-id",
        "revisions": {
            "aaa": {"version": "7", "role": "stable", "address": "a:80"},
            "bbb": {"version": "8", "role": "arm", "arm": "b", "weight": 20, "address": "b:80"},
            "ccc": {"version": "9", "role": "arm", "arm": "c", "weight": 10, "address": "c:80"},
        },
    }
    file = tmp_path / "routes.json"
    file.write_text(json.dumps(table))
    keys = [f"k{at}" for at in range(500)]
    by_table = run(capsysbinary, "--routes", str(file), *keys)
    assert by_table == run(capsysbinary, "--salt", "exp-1", "--arm", "c=10", "--arm", "b=20", *keys)
    assert {line[2] for line in by_table[1]} == {"stable", "b", "c"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "RoutesUnreadable"),
        ('{"generation": 1, "revisions": {}}', "none is stable"),
        ('{"generation": 1, "revisions": {"a": {"version": "1", "role": "boss"}}}', "revisions.a.role"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "routes.json"
    file.write_text(text)
    code, told, err = run(capsysbinary, "--routes", str(file), "k")
    assert (code, told) == (1, [])
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((" ",), "KeyEmpty"),
        (("--arm", "b=70", "--percent", "40", "k"), "more than 100"),
        (("--arm", "b=10", "--arm", "b=10", "k"), "two arms"),
        (("--routes", "/nowhere", "k"), "RoutesUnreadable"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    capsysbinary: pytest.CaptureFixture[bytes], arguments: tuple[str, ...], words: str
) -> None:
    code, told, err = run(capsysbinary, *arguments)
    assert (code, told) == (1, [])
    assert words in err


@pytest.mark.parametrize(
    "arguments",
    [("--percent", "101"), ("--arm", "b"), ("--arm", "=5"), ("--routes", "-"), ("--routes", "f", "--salt", "s")],
)
def test_misuse_is_told(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        assign.main(arguments)
    assert ended.value.code == 2

"""The project's Dockerfiles are read as Docker reads them; what is not understood is refused."""

from pathlib import Path

import pytest
from e2e.cluster import dockerfile
from e2e.cluster.dockerfile import Copy, Instruction
from e2e.cluster.failure import ClusterFailure

ROOT = Path(__file__).parents[3]
FILES = ("operator/Dockerfile", "runtime/Dockerfile", "e2e/cluster/mlflow/Dockerfile")

EXAMPLE = """# syntax of every day
ARG BASE=python:3
FROM ${BASE} AS build
RUN one && \\
    # a comment between the lines
    two   'with  spaces'
COPY a b /there/

FROM build
FROM ${BASE}
ENV A=1 \\
    B="two words"
USER 10001:10001
"""


def test_stages_know_their_base_and_their_instructions() -> None:
    build, second, last = dockerfile.parse(EXAMPLE, {"BASE": "ours"})

    assert (build.name, build.base) == ("build", "ours")
    assert (second.name, second.base, second.instructions) == ("1", "build", ())
    assert (last.name, last.base) == ("2", "ours")
    assert build.instructions[1] == Instruction("COPY", "a b /there/")
    assert last.instructions == (Instruction("ENV", 'A=1 B="two words"'), Instruction("USER", "10001:10001"))


def test_a_command_keeps_its_spaces_and_loses_comment_lines() -> None:
    command = dockerfile.parse(EXAMPLE, {})[0].instructions[0].text

    assert "two   'with  spaces'" in command
    assert "comment" not in command


def test_an_argument_has_its_default() -> None:
    assert dockerfile.parse(EXAMPLE, {})[0].base == "python:3"


@pytest.mark.parametrize(
    "text",
    ["", "RUN early", "FROM a\nADD x /y", "FROM a\nVOLUME /data", "FROM a AS", "FROM a\nARG LATE=1"],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ClusterFailure):
        dockerfile.parse(text, {})


def test_a_copy_is_taken_apart() -> None:
    assert dockerfile.copy("a b/c /there/") == Copy(("a", "b/c"), "/there/", "")
    assert dockerfile.copy("--from=build /opt/venv /opt/venv") == Copy(("/opt/venv",), "/opt/venv", "build")


@pytest.mark.parametrize("text", ["--chown=1:1 a /b", "--from=x --chmod=755 a /b", "/alone", "a relative"])
def test_a_copy_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ClusterFailure):
        dockerfile.copy(text)


def test_an_environment_is_pairs() -> None:
    assert dockerfile.environment('A=1 B="two words"') == ("A=1", "B=two words")
    for text in ("A 1", "A=$B"):
        with pytest.raises(ClusterFailure):
            dockerfile.environment(text)


def test_an_entrypoint_is_a_list() -> None:
    assert dockerfile.entrypoint('["python", "-m", "x"]') == ("python", "-m", "x")
    with pytest.raises(ClusterFailure):
        dockerfile.entrypoint("python -m x")


@pytest.mark.parametrize("name", FILES)
def test_the_projects_images_run_unprivileged_from_a_last_stage_that_only_copies(name: str) -> None:
    last = dockerfile.parse((ROOT / name).read_text(), {"BASE": "base"})[-1]

    words = [instruction.word for instruction in last.instructions]
    assert last.base == "base"
    assert "RUN" not in words
    assert Instruction("USER", "10001:10001") in last.instructions


@pytest.mark.parametrize("name", FILES)
def test_what_the_dockerfiles_copy_is_let_through_to_docker(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line.removeprefix("!").replace("*.txt", "") for line in ignored if line.startswith("!")]
    stages = dockerfile.parse((ROOT / name).read_text(), {"BASE": "base"})
    copies = [dockerfile.copy(i.text) for stage in stages for i in stage.instructions if i.word == "COPY"]
    sources = [source for copy in copies if not copy.stage for source in copy.sources]

    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert all(any(source.startswith(prefix) for prefix in allowed) for source in sources)

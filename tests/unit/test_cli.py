"""The console script: what it lists, what it imports, and how it ends."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from moorage_runtime import cli

ROOT = Path(__file__).parents[2]
SOURCES = {
    "good.py": '"""Do a good thing.\n\nMore."""\ndef main(arguments):\n    print("good", *arguments)\n    return 7\n',
    "bare.py": '"""Needs what nobody has."""\nimport a_library_that_nobody_has\n',
    "late.py": '"""Needs it later."""\ndef main(arguments):\n    import a_library_that_nobody_has\n',
    "broken.py": '"""Is broken."""\ndef main(arguments):\n    import moorage_runtime.no_such_module\n',
    "stopped.py": '"""Is stopped."""\ndef main(arguments):\n    raise KeyboardInterrupt\n',
}


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "toy_commands"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        *(EntryPoint(Path(name).stem, f"toy_commands.{Path(name).stem}:main", cli.GROUP) for name in SOURCES),
        EntryPoint("absent", "a_package_that_nobody_has.commands.absent:main", cli.GROUP),
    ]
    monkeypatch.setattr(cli, "entry_points", lambda group: points if group == cli.GROUP else [])
    monkeypatch.setattr(cli, "EXTRAS", {"toy_commands": "toys", "moorage_runtime": "onnx"})
    for name in [name for name in sys.modules if name.startswith("toy_commands")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_what_is_installed_and_runs_none_of_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "  good     Do a good thing.\n" in told
    assert "  bare     Needs what nobody has.\n" in told
    assert "absent" not in told
    assert not [name for name in sys.modules if name.startswith("toy_commands.")]


@pytest.mark.usefixtures("commands")
def test_the_subcommand_gets_the_rest_and_gives_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["good", "--help", "x"]) == 7
    assert capsys.readouterr().out == "good --help x\n"
    assert [name for name in sys.modules if name.startswith("toy_commands.")] == ["toy_commands.good"]


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("name", ["bare", "late"])
def test_a_missing_library_is_told_with_the_extra_that_brings_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name]) == 2
    assert capsys.readouterr().err == (
        f"moorage {name}: a_library_that_nobody_has is not installed: pip install 'moorage[toys]'\n"
    )


@pytest.mark.usefixtures("commands")
def test_a_missing_module_of_our_own_is_no_missing_library() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        cli.main(["broken"])


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("name", ["absent", "nonsense", ""])
def test_what_is_not_there_is_refused_with_what_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name]) == 2
    assert capsys.readouterr().err == (
        f"moorage: there is no subcommand {name!r} (bare, broken, good, late, stopped)\n"
    )


@pytest.mark.usefixtures("commands")
def test_an_interrupt_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["stopped"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text(
        "import sys\ndef main(arguments):\n    sys.stdout.write('x' * 10**7)\n    return 5\n"
    )
    script = (
        "import sys; from importlib.metadata import EntryPoint; from moorage_runtime import cli; "
        "cli.entry_points = lambda group: [EntryPoint('long', 'long:main', group)]; sys.exit(cli.main(['long']))"
    )
    command = f"set -o pipefail; {sys.executable} -c {shlex.quote(script)} | head -c 1"
    # Unbuffered, Python itself drops what the pipe did not take.
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"x", b"")


def test_every_declared_subcommand_exists_and_tells_what_it_does() -> None:
    told = cli._overview(cli._commands())
    declared = {each.name for each in entry_points(group=cli.GROUP)}
    assert declared == {"run", "serve", "assign", "render", "lint", "diff"}
    for name in declared:
        line = next(line for line in told.splitlines() if line.split()[:1] == [name])
        assert line.endswith(".")
        assert len(line.split()) > 3


def test_the_console_script_needs_nothing_but_the_standard_library() -> None:
    script = (
        "import sys; before = set(sys.modules); import moorage_runtime.cli; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "['moorage_runtime']"

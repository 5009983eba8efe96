"""`python tests/fuzz/run.py TARGET [arguments of libFuzzer]`: one target under atheris, guided by coverage."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Run until an input breaks the target, or libFuzzer's own limits are reached."""
    import atheris

    sys.path[:0] = [str(ROOT), str(ROOT / "runtime"), str(ROOT / "operator")]
    with atheris.instrument_imports(include=["moorage_runtime"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{sys.argv[1]}")
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.SEEDS):
            (Path(corpus) / f"{number:04}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *sys.argv[2:], corpus], target.one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

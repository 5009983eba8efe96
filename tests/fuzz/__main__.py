"""`python -m tests.fuzz NAME --seconds 1800`: one target under atheris, guided by coverage, its corpus kept."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGETS = sorted(file.stem.removeprefix("fuzz_") for file in HERE.glob("fuzz_*.py"))


def main(arguments: list[str]) -> None:
    """Run until an input breaks the target, or the time is over."""
    asked = _parser().parse_args(arguments)
    import atheris

    sys.path[:0] = [str(ROOT / "runtime"), str(ROOT / "operator")]
    with atheris.instrument_imports(include=["moorage_runtime"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{asked.target}")
    corpus = asked.corpus / asked.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number:04}").write_bytes(seed)
    limits = [f"-max_total_time={asked.seconds}", "-max_len=8192", "-timeout=20", "-rss_limit_mb=2048"]
    found = f"-artifact_prefix={corpus.parent}/{asked.target}-"
    atheris.Setup([sys.argv[0], *limits, found, "-print_final_stats=1", str(corpus)], target.one)
    atheris.Fuzz()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument(
        "--corpus", type=Path, default=ROOT / ".local" / "corpus", help="kept from run to run; what breaks lies beside"
    )
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])

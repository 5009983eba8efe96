"""Serve one model on this machine, with the code that serves it in a pod."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from moorage_runtime import logs
from moorage_runtime.commands import announce, fault, shelf, target
from moorage_runtime.commands.ports import Busy, check
from moorage_runtime.config import RuntimeConfig
from moorage_runtime.errors import RuntimeFault
from moorage_runtime.places import Places
from moorage_runtime.repository.served import Served

DRAIN_SECONDS = 2.0


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; the process ends with 0, 1 when there is nothing to serve, 2 when misused, 4 when the model
    cannot be served."""
    asked = _parser().parse_args(arguments)
    logs.configure_for_a_person()
    scratch = tempfile.TemporaryDirectory(prefix="moorage-", ignore_cleanup_errors=True)
    with scratch as folder:
        here = shelf.places(Path(folder), asked.host, (asked.port, asked.admin_port, asked.grpc_port))
        try:
            check(asked.host, (asked.port, asked.admin_port, asked.grpc_port))
            found = target.find(asked.target, dict(asked.claim), asked.name, asked.model_version)
            os.environ.update(found.env)
            fault.tell_unused(found.unused)
            config = _on_a_laptop(found.config)
            shelf.fetch(config, here)
        except (RuntimeFault, Busy) as refused:
            return fault.tell(refused)
        return _serve(config, here, scratch.cleanup)


def _serve(config: RuntimeConfig, here: Places, clean: Callable[[], None]) -> int:
    from moorage_runtime.servers import serve

    def ready(served: Served) -> None:
        sys.stdout.write(announce.text(served, config, here))
        sys.stdout.flush()

    return serve.run(config, here, ready, clean)


def _on_a_laptop(config: RuntimeConfig) -> RuntimeConfig:
    return msgspec.structs.replace(config, drain_seconds=DRAIN_SECONDS, api_keys=False)


def claim(text: str) -> tuple[str, Path]:
    """`NAME=FOLDER`. Raises `argparse.ArgumentTypeError`."""
    name, equals, folder = text.partition("=")
    if not equals or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: write CLAIM=FOLDER, with a folder that exists")
    return name, Path(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage run", description=__doc__, epilog=target.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "target", help="a model file or folder, a ModelDeployment's YAML, models:/..., s3://..., pvc://..."
    )
    parser.add_argument("--name", help="the model's name; in a file with several ModelDeployments, the one to run")
    parser.add_argument("--model-version", help="the version that answers name (default: the registry's, or local)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="predictions over HTTP (default: 8080)")
    parser.add_argument("--admin-port", type=int, default=8081, help="probes and metrics (default: 8081)")
    parser.add_argument("--grpc-port", type=int, default=9000, help="predictions over gRPC (default: 9000)")
    parser.add_argument("--claim", type=claim, action="append", default=[], help="CLAIM=FOLDER for pvc:// URIs")
    return parser

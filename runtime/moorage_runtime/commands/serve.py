"""Serve many models in one process: a folder of them, or names given one by one; loaded and unloaded while it runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from moorage_runtime import logs
from moorage_runtime.commands import fault, resource, shelf, stock, units
from moorage_runtime.commands.ports import check
from moorage_runtime.config import RuntimeConfig, Source
from moorage_runtime.errors import RuntimeFault
from moorage_runtime.places import Places
from moorage_runtime.repository.catalogue import WAITING, Catalogue
from moorage_runtime.repository.librarian import Bounds, Librarian

DRAIN_SECONDS = 2.0


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; gives the exit code: 0, 1 when nothing can be served, 2 when misused."""
    asked = _parser().parse_args(arguments)
    if asked.models is None and not asked.model:
        sys.stderr.write("moorage serve: give a folder of models, or --model NAME=URI\n")
        return fault.MISUSED
    logs.configure_for_a_person()
    scratch = tempfile.TemporaryDirectory(prefix="moorage-", ignore_cleanup_errors=True)
    with scratch as folder:
        here = shelf.places(Path(folder), asked.host, (asked.port, asked.admin_port, asked.grpc_port))
        try:
            check(asked.host, (asked.port, asked.admin_port, asked.grpc_port))
            settings = _settings(asked.like)
            bounds = Bounds(models=asked.max_models, size=units.size(asked.max_bytes, "--max-bytes"))
        except RuntimeFault as refused:
            return fault.tell(refused)
        models = stock.FolderAndNames(settings, here, asked.models, dict(asked.model))
        return _serve(settings, here, models, bounds, scratch.cleanup)


def _serve(
    settings: RuntimeConfig, here: Places, models: stock.FolderAndNames, bounds: Bounds, clean: Callable[[], None]
) -> int:
    from moorage_runtime.servers import serve
    from moorage_runtime.servers.rest.repository import PATH, RepositoryDoor
    from moorage_runtime.servers.station import Station

    station = Station(settings, here, [])
    librarian = Librarian(station.catalogue, models, bounds)
    station.add_admin_door(RepositoryDoor(librarian), PATH)

    async def fill(station: Station, stopping: asyncio.Event) -> int:
        await _load_all(librarian, models, bounds, stopping)
        await station.open()
        sys.stdout.write(_told(station.catalogue, here))
        sys.stdout.flush()
        return 0

    return serve.serve(station, fill, clean)


async def _load_all(
    librarian: Librarian, models: stock.FolderAndNames, bounds: Bounds, stopping: asyncio.Event
) -> None:
    """As many as may be loaded, in the order of their names; the rest waits to be asked for."""
    librarian.survey()
    names = list(models.names())
    for name in names[bounds.models :] if bounds.models is not None else []:
        librarian.catalogue.announce(name, WAITING)
    for name in names[: bounds.models]:
        if stopping.is_set():
            return
        try:
            await librarian.load(name)
        except RuntimeFault as refused:
            fault.tell(refused)


def _told(catalogue: Catalogue, here: Places) -> str:
    url = f"http://{here.host}:{here.http_port}"
    rows = [f"  {row.name} {row.version or '-'}  {row.state} {row.reason}".rstrip() for row in catalogue.index()]
    admin = f"http://{here.host}:{here.admin_port}/v2/repository"
    return "\n".join(
        [f"{url} serves", *rows, f"  load, unload: curl -X POST {admin}/models/NAME/load", "Stop with Ctrl-C.", ""]
    )


def _settings(like: Path | None) -> RuntimeConfig:
    bare = RuntimeConfig(model="", version="", revision="local", source=Source(uri=""), drain_seconds=DRAIN_SECONDS)
    if like is None:
        return bare
    wish = resource.read(like)
    settings = wish.settings
    own = {"model.digest": settings.digest, "testRequest": settings.test_request}
    of_one = [*(field for field, value in own.items() if value is not None), *(f"env[{name}]" for name in wish.env)]
    fault.tell_unused(sorted([*wish.unused, *of_one]), f"of {like}")
    return msgspec.structs.replace(
        settings, model="", version="", revision="local", drain_seconds=DRAIN_SECONDS, digest=None, test_request=None
    )


def named(text: str) -> tuple[str, str]:
    """`NAME=URI`. Raises `argparse.ArgumentTypeError`."""
    name, equals, uri = text.partition("=")
    if not (name and equals and uri):
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=URI")
    return name, uri


def folder(text: str) -> Path:
    """A folder that exists. Raises `argparse.ArgumentTypeError`."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="moorage serve", description=__doc__, epilog=stock.__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", nargs="?", type=folder, help="a folder of models")
    parser.add_argument("--model", type=named, action="append", default=[], help="NAME=URI, as often as needed")
    parser.add_argument("--like", type=Path, help="a ModelDeployment's YAML whose settings hold for every model")
    parser.add_argument("--max-models", type=int, help="models that are loaded at once (default: all)")
    parser.add_argument("--max-bytes", default="1Ti", help="bytes of all loaded artifacts, for example 2Gi")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8080, help="predictions over HTTP (default: 8080)")
    parser.add_argument("--admin-port", type=int, default=8081, help="probes, metrics, load and unload (default: 8081)")
    parser.add_argument("--grpc-port", type=int, default=9000, help="predictions over gRPC (default: 9000)")
    return parser

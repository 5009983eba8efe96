"""`python -m moorage_runtime download | serve`: the init container and the serving container of a pod."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys

import msgspec

from moorage_runtime import config, logs, places, termination

USAGE = "usage: python -m moorage_runtime download | serve"
BAD_CONFIG = 2
TERMINATED = 143

log = logging.getLogger("moorage_runtime")


def main() -> int:
    """Run the command named on the command line; the exit code says how it ended (docs/runtime.md)."""
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command not in ("download", "serve"):
        sys.stderr.write(USAGE + "\n")
        return BAD_CONFIG
    logs.configure()
    # As process 1 of a container nothing happens on SIGTERM unless it is asked for; `serve` asks for more, later.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))
    place = places.from_environment(os.environ)
    try:
        configuration = config.decode_config(os.environ.get(config.CONFIG_ENV, ""))
    except msgspec.DecodeError as error:
        report = config.ServeReport(reason="ConfigInvalid", message=f"{config.CONFIG_ENV} cannot be read: {error}")
        log.critical("configuration refused", extra={"detail": report.message})
        termination.write(place.termination_file, report)
        return BAD_CONFIG
    if command == "download":
        from moorage_runtime.storage import command as downloading

        code = downloading.run(configuration, place)
        sys.stdout.flush()
        # A client's threads may still hang on a store that was given up.
        os._exit(code)
    # What is imported now stays: to search it for garbage time and again is a tenth of the start. Until it is loaded.
    gc.disable()
    # numpy's linear algebra is never used here; its threads cost memory and a tenth of the start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from moorage_runtime.servers import serve

    return serve.run(configuration, place)


if __name__ == "__main__":
    sys.exit(main())

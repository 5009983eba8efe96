"""What a station tells its parts of a change, so that no request has to ask."""

from __future__ import annotations

import json
from pathlib import Path

from moorage_runtime import places
from moorage_runtime.config import RuntimeConfig, Source
from moorage_runtime.servers.station import Station


def station(folder: Path) -> Station:
    environment = {"MOORAGE_MODEL_DIR": str(folder), "MOORAGE_ROUTES_DIR": str(folder)}
    config = RuntimeConfig(model="m", version="1", revision="a", source=Source(uri="file:///none"))
    return Station(config, places.from_environment(environment), ["m"])


def table(folder: Path, generation: int, role: str) -> None:
    entry = {"version": "1", "role": role, "weight": 100 if role == "stable" else 0}
    other = {"version": "2", "role": "stable", "weight": 100}
    revisions = {"a": entry} if role == "stable" else {"a": entry, "b": other}
    (folder / "routes.json").write_text(json.dumps({"generation": generation, "revisions": revisions}))


async def test_every_change_of_routes_or_models_voids_where_heads_led(tmp_path: Path) -> None:
    made = station(tmp_path)
    epochs = [made.router.epoch]
    made.catalogue.open()
    epochs.append(made.router.epoch)
    table(tmp_path, 1, "stable")
    made.plane.routes.poll()
    epochs.append(made.router.epoch)
    made.catalogue.drain()
    epochs.append(made.router.epoch)
    assert epochs == sorted(set(epochs))


async def test_clients_are_sent_away_while_the_revision_retires_and_once_the_pod_drains(tmp_path: Path) -> None:
    made = station(tmp_path)
    seen = [made.plane.leaving]
    for generation, role in enumerate(("stable", "retiring", "stable"), 1):
        table(tmp_path, generation, role)
        made.plane.routes.poll()
        assert made.plane.routes.refused is None
        seen.append(made.plane.leaving)
    made.catalogue.drain()
    assert [*seen, made.plane.leaving] == [False, False, True, False, True]

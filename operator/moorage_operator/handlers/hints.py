"""The one kind of handler: an event comes in, a key goes out. Nothing is written, indexed or remembered by kopf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kopf

from moorage_operator import names
from moorage_operator.api.records import Key
from moorage_operator.backoff import EndlessDelays
from moorage_operator.cluster.kinds import CHILDREN, MODEL_DEPLOYMENT, POD, Kind
from moorage_operator.handlers.keys import key_of


def registry(heard: Callable[[Key], None]) -> Any:
    """A registry whose every handler only calls `heard`."""
    made = kopf.OperatorRegistry()

    async def hint(body: Any, **_: Any) -> None:
        key = key_of(body)
        if key is not None:
            heard(key)

    for kind in (MODEL_DEPLOYMENT, *CHILDREN, POD):
        group, _, version = kind.api_version.rpartition("/")
        kopf.on.event(group, version, kind.plural, registry=made, id=f"hint-{kind.plural}")(hint)
    kopf.on.login(registry=made)(kopf.login_with_service_account)
    kopf.on.login(registry=made)(kopf.login_with_kubeconfig)
    return made


def settings() -> Any:
    """kopf without its own state in objects, with bounded calls and endless retries."""
    made = kopf.OperatorSettings()
    made.scanning.disabled = True
    made.posting.enabled = False
    made.peering.standalone = True
    made.process.ultimate_exiting_timeout = None
    made.networking.request_timeout = 15
    made.networking.connect_timeout = 5
    # A stream that sleeps is deaf: after an outage it may be so for the last of these delays.
    made.networking.error_backoffs = EndlessDelays(0.5, 5.0)
    made.watching.server_timeout = 300
    made.watching.client_timeout = 330
    made.watching.inactivity_timeout = 70
    made.watching.reconnect_backoff = 1
    made.watching.chunk_size = 500
    made.queueing.worker_limit = None
    made.queueing.idle_timeout = 5
    made.persistence.finalizer = f"{names.GROUP}/unused"
    made.persistence.consistency_timeout = 0
    for kind in (*CHILDREN, POD):
        made.watching.label_selectors[_selector(kind)] = names.OWNER_LABEL
    return made


def _selector(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return (group, version, kind.plural)

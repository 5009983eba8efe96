"""What a line of the access log says of a prediction, whatever it came by."""

from __future__ import annotations

from moorage_runtime.accesslog import Entry
from moorage_runtime.dataplane.call import Call


def describe(entry: Entry, call: Call) -> None:
    """Add what the data plane knows."""
    served = call.lane.served
    entry.model, entry.version, entry.door = served.name, served.version, call.door
    entry.cache = call.cache_state or ""
    entry.batch_rows = call.run[2] if call.run is not None else 0
    if call.trace is not None:
        entry.trace_id = call.trace.trace_id

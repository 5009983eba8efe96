"""kopf as a source of hints: it tells that something happened to a key, and decides nothing."""

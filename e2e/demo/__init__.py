"""`make demo`: from nothing to a model served from the registry, and a new version coming in."""

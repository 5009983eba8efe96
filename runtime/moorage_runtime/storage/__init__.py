"""Fetching an artifact: three stores behind one protocol, one landing place, one digest."""

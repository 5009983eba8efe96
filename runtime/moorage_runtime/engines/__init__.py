"""Engines: what can run a model. One protocol, one heavy library per file."""

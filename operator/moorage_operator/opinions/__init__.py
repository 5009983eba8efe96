"""Judges beside the pods' own numbers: Prometheus servers of the settings, and webhooks. All they say is a `Check`."""

"""Moorage's operator: turns ModelDeployments into running, watched, replaceable model servers."""

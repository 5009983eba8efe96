"""Observed: facts read out of live Kubernetes objects. Nothing here judges or decides."""

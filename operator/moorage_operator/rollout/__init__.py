"""Rollout: which revision is stable, which is next, how many replicas each has and where the Service points."""

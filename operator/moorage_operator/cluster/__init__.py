"""The only room that speaks to Kubernetes: it reads one snapshot, writes one change, and keeps the lease."""

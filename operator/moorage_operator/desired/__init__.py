"""Desired: CR and blueprint in, Kubernetes objects out. One file per kind; nothing here looks at what is live."""

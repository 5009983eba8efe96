"""A local Kubernetes cluster: kind where Docker runs, a node of our own where it does not."""

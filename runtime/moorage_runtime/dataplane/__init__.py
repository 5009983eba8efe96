"""The data plane: live, ready, metadata, infer. Knows models and requests, no transport."""

"""HTTP/2 on the wire, by prior knowledge: frames, streams, windows and bounds. Knows calls, and nothing of models."""

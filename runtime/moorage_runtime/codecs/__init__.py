"""Between bytes on the wire and tensors: one file per protocol, no transport, no engine."""

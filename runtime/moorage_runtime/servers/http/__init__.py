"""HTTP/1.1 on the wire: connections, bounds and order. Knows requests and answers, and nothing of models."""

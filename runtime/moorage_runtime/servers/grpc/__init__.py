"""The Open Inference Protocol V2 over gRPC: a door of its own port, on grpc.aio."""

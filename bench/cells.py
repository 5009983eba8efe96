"""What is asked of a server: a door, rows in a request, connections, and the pace."""

from __future__ import annotations

from dataclasses import dataclass

V2 = "/v2/models/fraud/infer"
DOORS = {"v2": V2, "binary": V2, "v1": "/v1/models/fraud:predict", "features": "/v1/predict"}


@dataclass(frozen=True)
class Cell:
    """One load on one door. `rate`: requests a second over all connections; 0: the next when the last is answered."""

    door: str
    rows: int
    connections: int
    rate: int = 0

    @property
    def name(self) -> str:
        """The key of its results, e.g. `v2 1 row c64`."""
        pace = f" {self.rate}/s" if self.rate else ""
        return f"{self.door} {self.rows} row{'s' if self.rows > 1 else ''} c{self.connections}{pace}"


ONE, EIGHT, FULL = (Cell("v2", 1, connections) for connections in (1, 8, 64))
MANY = Cell("v2", 32, 64)
MANY_BINARY = Cell("binary", 32, 64)
V1 = Cell("v1", 1, 64)
FEATURES = Cell("features", 1, 64)
STEADY = Cell("v2", 1, 8, rate=1000)
GRPC_ONE, GRPC_FULL, GRPC_MANY = Cell("grpc", 1, 1), Cell("grpc", 1, 64), Cell("grpc", 32, 64)
IMAGE_ONE, IMAGE_EIGHT = Cell("image", 1, 1), Cell("image", 1, 8)

GROUPS: dict[str, tuple[Cell, ...]] = {
    "http": (ONE, EIGHT, FULL, MANY, MANY_BINARY, V1, FEATURES, STEADY),
    "linear": (FULL, MANY, MANY_BINARY),
    "mlp": (ONE, EIGHT, FULL),
    "grpc": (GRPC_ONE, GRPC_FULL, GRPC_MANY),
    "image": (IMAGE_ONE, IMAGE_EIGHT),
}
REFERENCE = FULL

"""Who answers a request: the route table, the shares it gives, and when a share is held back. Knows no transport."""

from moorage_runtime.routing.routes import Routes

__all__ = ["Routes"]

"""The protocol as its own file tells it, and the module generated from it."""

"""The HTTP doors: one file per protocol, each thin; `router` knows them all."""

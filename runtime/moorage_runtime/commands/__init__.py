"""The subcommands of `moorage` that need only this package: models on a laptop, served by the same code as in a pod."""

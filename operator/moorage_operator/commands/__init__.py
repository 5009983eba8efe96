"""Subcommands of `moorage` for whoever writes a resource: what it becomes, what is wrong with it, what it changes."""

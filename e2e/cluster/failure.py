"""The one error of this program: a sentence for the person at the terminal."""


class ClusterFailure(Exception):
    """Something that stops the work; ``str()`` is what the user reads."""

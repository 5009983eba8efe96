"""The names that a store gives are hostile until they have passed through here."""

from __future__ import annotations

from collections.abc import Iterable

from moorage_runtime.storage import reasons

NAME_BYTES = 255
PATH_BYTES = 1024
DEPTH = 32


def checked(path: str) -> str:
    """`path` itself, when it is a plain relative path; raises `ArtifactFault` UnsafePath otherwise.

    Plain: parts joined by `/`, none empty, `.` or `..`; no backslash, no control character, no surrogate; at most
    255 bytes a part, 1024 bytes and 32 parts in all.
    """
    problem = _problem(path)
    if problem:
        shown = ascii(path if len(path) <= 80 else path[:77] + "...")
        raise reasons.refuse(
            reasons.UNSAFE_PATH,
            f"the artifact's file {shown} {problem}; rename it and register the model again",
        )
    return path


def check_tree(paths: Iterable[str]) -> None:
    """Refuse a listing that no folder can hold: a name twice, or a file that another file needs as its folder."""
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise reasons.refuse(reasons.UNSAFE_PATH, f"the artifact lists {path!a} twice")
        seen.add(path)
    for path in seen:
        for parent in _parents(path):
            if parent in seen:
                raise reasons.refuse(reasons.UNSAFE_PATH, f"the artifact has {parent!a} both as a file and as a folder")


def _parents(path: str) -> Iterable[str]:
    cut = path.rfind("/")
    while cut > 0:
        yield path[:cut]
        cut = path.rfind("/", 0, cut)


def _problem(path: str) -> str | None:
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is no valid UTF-8"
    if len(encoded) > PATH_BYTES:
        return f"is longer than {PATH_BYTES} bytes"
    if "\\" in path:
        return "holds a backslash"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "holds a control character"
    return _part_problem(path.split("/"))


def _part_problem(parts: list[str]) -> str | None:
    if parts[0] == "":
        return "is empty or absolute"
    if ".." in parts or "." in parts:
        return "leaves its folder"
    if "" in parts:
        return "has an empty part"
    if len(parts) > DEPTH:
        return f"is deeper than {DEPTH} folders"
    if any(len(part.encode()) > NAME_BYTES for part in parts):
        return f"has a part longer than {NAME_BYTES} bytes"
    return None

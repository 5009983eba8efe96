"""Whether clients of one version can be given another: what they send must be taken, what they read must be there.

    inputs     every one of the stable version is taken: same datatype, and each shape that was taken before
               (an open length stays open; a fixed one may open); none is needed that nobody sends
    outputs    every one of the stable version is there: same datatype, same rank, no fixed length at another one
    features   every named column is taken, by a kind that takes the same values; none is needed that nobody sends;
               where they lie side by side in one tensor, in the same order
    classes    the same, in the same order

More outputs, and inputs or features that may be left out, may come. What either side does not tell is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from moorage_runtime.config import Feature, Schema, Tensor

CURE = (
    "Log the version with the signature of the stable one, or set spec.allowSchemaChange: true when every client is "
    "ready for the new one."
)
NAMES = 5
_WIDER: Mapping[str, frozenset[str]] = {
    "integer": frozenset({"long", "double"}),
    "long": frozenset({"double"}),
    "float": frozenset({"double"}),
}


def incompatibility(stable: Schema, candidate: Schema) -> str | None:
    """The first thing that clients of `stable` would miss in `candidate`, with its cure; None when there is nothing."""
    return next((f"{found}. {CURE}" for found in _differences(stable, candidate)), None)


def _differences(stable: Schema, candidate: Schema) -> Iterator[str]:
    if stable.inputs is not None and candidate.inputs is not None:
        yield from _inputs(stable.inputs, candidate.inputs)
    if stable.features is not None and candidate.features is not None:
        yield from _features(stable.features, candidate.features, _side_by_side(candidate))
    if stable.outputs is not None and candidate.outputs is not None:
        yield from _outputs(stable.outputs, candidate.outputs)
    if stable.classes is not None and candidate.classes is not None and stable.classes != candidate.classes:
        told, now = _listed(stable.classes), _listed(candidate.classes)
        yield f"The classes are {now} in the candidate, {told} in the stable version: probabilities change places"


def _inputs(stable: Sequence[Tensor], candidate: Sequence[Tensor]) -> Iterator[str]:
    known, there = _by_name(stable), _by_name(candidate)
    for name, told in known.items():
        now = there.get(name)
        if now is None:
            yield f"Input {name!r} is gone; the candidate takes {_listed(there)}"
        elif now.datatype != told.datatype or not _shapes(told, now, _takes):
            yield _changed("Input", told, now)
        elif told.optional and not now.optional:
            yield f"Input {name!r} may be left out in the stable version, and is needed by the candidate"
    for name, now in there.items():
        if name not in known and not now.optional:
            yield f"Input {name!r} is needed by the candidate, and the stable version does not have it"


def _outputs(stable: Sequence[Tensor], candidate: Sequence[Tensor]) -> Iterator[str]:
    there = _by_name(candidate)
    for told in stable:
        now = there.get(told.name)
        if now is None:
            yield f"Output {told.name!r} is gone; the candidate gives {_listed(there)}"
        elif now.datatype != told.datatype or not _shapes(told, now, _gives):
            yield _changed("Output", told, now)


def _features(stable: Sequence[Feature], candidate: Sequence[Feature], ordered: bool) -> Iterator[str]:
    known, there = {each.name: each for each in stable}, {each.name: each for each in candidate}
    for name, told in known.items():
        now = there.get(name)
        if now is None:
            yield f"Feature {name!r} is gone"
        elif "" not in (told.kind, now.kind) and now.kind not in {told.kind, *_WIDER.get(told.kind, ())}:
            yield f"Feature {name!r} is {now.kind} in the candidate, {told.kind} in the stable version"
        elif now.required and not told.required:
            yield f"Feature {name!r} may be left out in the stable version, and is needed by the candidate"
    for name, now in there.items():
        if name not in known and now.required:
            yield f"Feature {name!r} is needed by the candidate, and the stable version does not have it"
    if ordered:
        yield from _order(list(known), list(there))


def _order(stable: Sequence[str], candidate: Sequence[str]) -> Iterator[str]:
    """Clients that send the tensor itself know a column by its place alone."""
    for place, (told, now) in enumerate(zip(stable, candidate, strict=False)):
        if told != now:
            yield f"Column {place} is {now!r} in the candidate, {told!r} in the stable version: columns change places"
            return


def _side_by_side(schema: Schema) -> bool:
    """Whether the features are the columns of one tensor."""
    needed = [each for each in schema.inputs or () if not each.optional]
    return len(needed) == 1 and needed[0].shape is not None and len(needed[0].shape) == 2


def _shapes(told: Tensor, now: Tensor, fits: Callable[[int, int], bool]) -> bool:
    if told.shape is None or now.shape is None:
        return True
    return len(told.shape) == len(now.shape) and all(map(fits, told.shape, now.shape))


def _takes(told: int, now: int) -> bool:
    return now in (told, -1)


def _gives(told: int, now: int) -> bool:
    return -1 in (told, now) or told == now


def _changed(side: str, told: Tensor, now: Tensor) -> str:
    return f"{side} {told.name!r} is {_kind(now)} in the candidate, {_kind(told)} in the stable version"


def _kind(tensor: Tensor) -> str:
    if tensor.shape is None:
        return tensor.datatype
    return f"{tensor.datatype} [{', '.join('?' if length < 0 else str(length) for length in tensor.shape)}]"


def _by_name(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    return {each.name: each for each in tensors}


def _listed(values: Sequence[int | str] | Mapping[str, Tensor]) -> str:
    names = [repr(value) for value in values]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return (", ".join(names[:NAMES]) + more) or "none"

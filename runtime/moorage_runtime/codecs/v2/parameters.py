"""The parameters that this server knows, of requests, inputs and outputs.

    request   binary_data_output (bool), timeout (microseconds)
    input     binary_data_size (bytes)
    output    binary_data (bool)

What would need another answer than ours (shared memory, classification) is refused; the rest is passed on as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moorage_runtime.codecs.v2.elements import NO_JSON
from moorage_runtime.codecs.v2.request import NOTHING, invalid
from moorage_runtime.codecs.v2.wire import Output
from moorage_runtime.codecs.words import names, shown
from moorage_runtime.tensors import TensorSpec

_SHARED = "shared_memory_region"


def of_request(sent: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The request's own parameters. Raises `RequestFault` 400 for one that we know and that is of a wrong type."""
    if not sent:
        return NOTHING
    _flag(sent, "binary_data_output", "")
    timeout = sent.get("timeout")
    if timeout is not None and (not _whole(timeout) or timeout < 0):
        raise invalid("parameters.timeout: must be a number of microseconds")
    return sent


def size_of_input(sent: Mapping[str, Any] | None, path: str) -> int | None:
    """How many bytes of the body are this input's, None when it is JSON. Raises `RequestFault` 400."""
    if not sent:
        return None
    if _SHARED in sent:
        raise invalid(f"{path}.parameters.{_SHARED}: shared memory is not supported, send the data")
    size: Any = sent.get("binary_data_size")
    if size is not None and (not _whole(size) or size < 0):
        raise invalid(f"{path}.parameters.binary_data_size: must be a number of bytes")
    return None if size is None else int(size)


class Outputs:
    """Which outputs of a model an answer holds, and in which form."""

    def __init__(self, specs: Mapping[str, TensorSpec]) -> None:
        self._specs = specs
        self._all = tuple(specs)
        self.no_json = frozenset(name for name, spec in specs.items() if spec.datatype in NO_JSON)

    def read(
        self, sent: Sequence[Output] | None, parameters: Mapping[str, Any]
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """The wanted outputs (None: all, in the model's order), and those of them that are answered as binary tensors.

        Raises `RequestFault` 400.
        """
        default = parameters.get("binary_data_output") is True
        if not sent:
            wanted, binary = None, self._all if default else ()
        else:
            wanted = self._wanted(sent)
            binary = tuple(output.name for index, output in enumerate(sent) if _form(output.parameters, index, default))
        if self.no_json:
            self._refuse_json(wanted or self._all, binary)
        return None if wanted == self._all else wanted, binary

    def _wanted(self, sent: Sequence[Output]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for index, output in enumerate(sent):
            name = output.name
            if name not in self._specs:
                raise invalid(
                    f"outputs[{index}].name: the model has no output {shown(name)}; it gives {names(self._specs)}"
                )
            if name in found:
                raise invalid(f"outputs[{index}].name: {name!r} is asked for twice")
            found[name] = None
        return tuple(found)

    def _refuse_json(self, wanted: Sequence[str], binary: Sequence[str]) -> None:
        for name in wanted:
            if name in self.no_json and name not in binary:
                datatype = self._specs[name].datatype
                raise invalid(
                    f"outputs: {name!r} is {datatype}, which has no JSON form; ask for it with binary_data true"
                )


def _form(sent: Mapping[str, Any] | None, index: int, default: bool) -> bool:
    if not sent:
        return default
    path = f"outputs[{index}]."
    if sent.get("classification"):
        raise invalid(f"{path}parameters.classification: is not supported, the output is answered as it is")
    if _SHARED in sent:
        raise invalid(f"{path}parameters.{_SHARED}: shared memory is not supported")
    asked = _flag(sent, "binary_data", path)
    return default if asked is None else asked


def _flag(sent: Mapping[str, Any], name: str, path: str) -> bool | None:
    found = sent.get(name)
    if found is not None and not isinstance(found, bool):
        raise invalid(f"{path}parameters.{name}: must be true or false")
    return found


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

"""Huffman-coded strings of HPACK (RFC 7541, appendix B), read four bits at a time.

The code is canonical: how long each symbol's code is says it all. What a state does with four bits is found out when it
is first asked for.
"""

from __future__ import annotations

from functools import cache

from moorage_runtime.servers.http2.faults import Code, ConnectionFault

# The symbols by the length of their codes, in bits.
_BY_LENGTH: dict[int, bytes] = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\x00$@[]~",
    14: b"^}",
    15: b"<`{",
    19: bytes.fromhex("5cc3d0"),
    20: bytes.fromhex("808283a2b8c2e0e2"),
    21: bytes.fromhex("99a1a7acb0b1b3d1d8d9e3e5e6"),
    22: bytes.fromhex("8184858688929a9ca0a3a4a9aaadb2b5b9babbbdbec4c6e4e8e9"),
    23: bytes.fromhex("0187898a8b8c8d8f93959697989b9d9ea5a6a8aeafb4b6b7bcbfc5e7ef"),
    24: bytes.fromhex("098e9091949fabced7e1eced"),
    25: bytes.fromhex("c7cfeaeb"),
    26: bytes.fromhex("c0c1c8c9cacdd2d5dadbeef0f2f3ff"),
    27: bytes.fromhex("cbccd3d4d6dddedff1f4f5f6f7f8fafbfcfdfe"),
    28: bytes.fromhex("020304050607080b0c0e0f1011121314151718191a1b1c1d1e1f7fdcf9"),
    30: bytes.fromhex("0a0d16"),
}
# The end of a string is padded with ones, the beginning of a code that is no symbol's, fewer than eight of them.
_PADDING_BITS = 7

# A node of the tree: 0 and 1 lead to another node, to a symbol, or nowhere.
_Node = list["_Node | int | None"]
# What four bits do: the next state (shifted to make room for the next four), whether the string may end, a symbol.
_Step = tuple[int, bool, bytes]


class _Reader:
    """`steps`: by `state << 4 | bits`, as far as they are known."""

    def __init__(self) -> None:
        self._root: _Node = [None, None]
        self._plant()
        self._states: list[_Node] = [self._root]
        self._numbers: dict[int, int] = {id(self._root): 0}
        self._ends = self._padding()
        self.steps: dict[int, _Step] = {}

    def _plant(self) -> None:
        code = length = 0
        for longer, symbols in _BY_LENGTH.items():
            code <<= longer - length
            length = longer
            for symbol in symbols:
                self._lead(code, length, symbol)
                code += 1

    def _lead(self, code: int, length: int, symbol: int) -> None:
        node = self._root
        for bit in range(length - 1, 0, -1):
            child = node[code >> bit & 1]
            if not isinstance(child, list):
                child = node[code >> bit & 1] = [None, None]
            node = child
        node[code & 1] = symbol

    def _padding(self) -> set[int]:
        node, found = self._root, {id(self._root)}
        for _ in range(_PADDING_BITS):
            child = node[1]
            assert isinstance(child, list)  # noqa: S101 - no symbol's code is all ones
            node = child
            found.add(id(node))
        return found

    def step(self, key: int) -> _Step:
        """Find out one more of the steps. Raises `ConnectionFault`."""
        node, symbol = self._states[key >> 4], b""
        for bit in (3, 2, 1, 0):
            child = node[key >> bit & 1]
            if child is None:
                raise _corrupt()
            if isinstance(child, int):
                symbol, child = bytes((child,)), self._root
            node = child
        number = self._numbers.setdefault(id(node), len(self._states))
        if number == len(self._states):
            self._states.append(node)
        found = self.steps[key] = number << 4, id(node) in self._ends, symbol
        return found


@cache
def _reader() -> _Reader:
    return _Reader()


def decode(coded: bytes) -> bytes:
    """The string. Raises `ConnectionFault`."""
    reader = _reader()
    steps, step = reader.steps, reader.step
    state, ends, out = 0, True, []
    for byte in coded:
        key = state | byte >> 4
        state, _, symbol = steps.get(key) or step(key)
        out.append(symbol)
        key = state | byte & 15
        state, ends, symbol = steps.get(key) or step(key)
        out.append(symbol)
    if not ends:
        raise _corrupt()
    return b"".join(out)


def _corrupt() -> ConnectionFault:
    return ConnectionFault(Code.COMPRESSION_ERROR, "a string of the headers is corrupt")

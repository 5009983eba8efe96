"""The Open Inference Protocol V2 over HTTP: JSON, and the binary tensor extension.

Strict where a wrong answer could follow (names, datatypes, shapes, ranges, ragged or missing data, sizes), tolerant of
what changes no number (unknown keys, unknown parameters). JSON `data` may be flat in row-major order or nested as the
shape says; a key given twice counts as its last.

JSON has no NaN and no infinity: both are written as `null`, which numpy reads back as NaN. A client that must tell its
infinities apart asks for binary tensors. BF16 has no JSON form at all, as with Triton.
"""

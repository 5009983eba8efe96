"""Bad V2 requests in JSON, to the model of `identities` with the inputs of `ASKED`, each [-1, 2]."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.unit.runtime.bad.case import Case

ASKED = ("FP32", "FP16", "INT8", "UINT64", "BOOL", "BYTES")
GOOD: dict[str, list[Any]] = {
    "FP32": [1.5, -2],
    "FP16": [0.5, 1],
    "INT8": [-128, 127],
    "UINT64": [0, 2**64 - 1],
    "BOOL": [True, False],
    "BYTES": ["a", "\u00e4"],
}


def tensor(datatype: str, /, **changes: Any) -> dict[str, Any]:
    told = {"name": f"in_{datatype}", "shape": [1, 2], "datatype": datatype, "data": GOOD[datatype]} | changes
    return {key: value for key, value in told.items() if value is not ...}


def request(*changed: dict[str, Any], **more: Any) -> dict[str, Any]:
    by_name = {f"in_{datatype}": tensor(datatype) for datatype in ASKED}
    by_name |= {told["name"]: told for told in changed}
    return {"inputs": list(by_name.values())} | more


def text(datatype: str, data: str) -> bytes:
    """A request where one input's data is this JSON text."""
    return json.dumps(request(tensor(datatype, data="@"))).replace('"@"', data).encode("utf-8", "surrogatepass")


def shaped(shape: str) -> bytes:
    return json.dumps(request(tensor("FP32", shape="@"))).replace('"@"', shape).encode()


WHOLE = json.dumps(request()).encode()

NO_JSON = {
    "nothing": b"",
    "blank": b"   \r\n\t ",
    "cut after the first byte": WHOLE[:1],
    "cut in a key": WHOLE[:5],
    "cut in the middle": WHOLE[: len(WHOLE) // 2],
    "cut before the last byte": WHOLE[:-1],
    "cut in a number": b'{"inputs":[{"name":"in_FP32","shape":[1,2],"datatype":"FP32","data":[1.',
    "cut in an escape": b'{"inputs":[{"name":"in_\\u00',
    "cut in a surrogate pair": b'{"inputs":[{"name":"\\ud83d',
    "two documents": WHOLE + WHOLE,
    "a letter behind": WHOLE + b"x",
    "a NUL behind": WHOLE + b"\0",
    "a NUL before": b"\0" + WHOLE,
    "a NUL between": WHOLE.replace(b":", b":\0", 1),
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "UTF-16 without a mark": WHOLE.decode().encode("utf-16-le"),
    "UTF-32": WHOLE.decode().encode("utf-32"),
    "single quotes": WHOLE.replace(b'"', b"'"),
    "no quotes": WHOLE.replace(b'"', b""),
    "a comment": b"/* hi */" + WHOLE,
    "a trailing comma": WHOLE[:-1] + b",}",
    "a leading comma": b"{," + WHOLE[1:],
    "a missing colon": WHOLE.replace(b'"inputs":', b'"inputs"', 1),
    "two colons": WHOLE.replace(b":", b"::", 1),
    "a form": b"inputs=1&data=2",
    "XML": b"<inputs/>",
    "YAML": b"inputs:\n- name: in_FP32\n",
    "HTTP in the body": b"GET / HTTP/1.1\r\n\r\n",
    "noise": bytes(range(256)),
    "high bytes": b"\xff" * 1000,
    "protocol buffers": b"\x0a\x05fraud\x12\x013",
    "gzip without saying so": b"\x1f\x8b\x08\0\0\0\0\0\0\3\xab\xae\x05\0C\xbf\xa6\xa3\2\0\0\0",
    "a carriage return in a string": b'{"inputs":"\r"}',
    "a raw newline in a name": WHOLE.replace(b"in_FP32", b"in\nFP32"),
    "an unknown escape": WHOLE.replace(b"in_FP32", b"in\\xFP32"),
    "a bad byte in a name": WHOLE.replace(b"in_FP32", b"in\xffFP32"),
    "an overlong encoding in a name": WHOLE.replace(b"in_FP32", b"in\xc0\xafFP32"),
    "an encoded surrogate in a name": WHOLE.replace(b"in_FP32", b"in\xed\xa0\x80FP32"),
}
OTHER_JSON = {
    "null": b"null",
    "true": b"true",
    "a number": b"12",
    "a string": b'"inputs"',
    "a list": b"[]",
    "a list of requests": b"[" + WHOLE + b"]",
    "an empty object": b"{}",
    "V1": b'{"instances":[[1,2]]}',
    "named features": b'{"features":{"a":1}}',
    "inputs null": b'{"inputs":null}',
    "inputs an object": b'{"inputs":{"name":"in_FP32"}}',
    "inputs a string": b'{"inputs":"in_FP32"}',
    "inputs a list of numbers": b'{"inputs":[1,2]}',
    "inputs a list of lists": b'{"inputs":[[]]}',
    "no inputs": b'{"inputs":[]}',
    "an empty input": b'{"inputs":[{}]}',
    "many empty inputs": b'{"inputs":[' + b"{}," * 10_000 + b"{}]}",
    "a key of a megabyte": b'{"' + b"k" * 2**20 + b'":1}',
    "a hundred thousand keys": b"{" + b",".join(b'"k%d":0' % at for at in range(100_000)) + b"}",
}
DEEP = {
    f"{count} {what}": before * count + after * count
    for what, before, after in (("lists", b"[", b"]"), ("objects", b'{"a":', b"1}"[-1:]))
    for count in (64, 1_000, 100_000)
}
BOMBS = {
    "short lists": b'{"inputs":[' + b"[]," * 500_000 + b"[]]}",
    "short objects": b'{"x":[' + b"{}," * 500_000 + b"{}]}",
    "short strings": b'{"x":[' + b'"",' * 500_000 + b'""]}',
    "a long integer": text("FP32", "[1, " + "1" * 5_000 + "]"),
    "a very long integer": text("FP32", "[1, " + "9" * 1_000_000 + "]"),
    "a long fraction": text("INT8", "[1, 0." + "1" * 100_000 + "]"),
    "too many numbers": text("FP32", "[" + "1," * 800_000 + "1]"),
    "too many rows": text("FP32", "[" + "[1,2]," * 400_000 + "[1,2]]"),
    "too many empty rows": text("FP32", "[" + "[]," * 600_000 + "[]]"),
    "too many texts": text("BYTES", "[" + '"a",' * 500_000 + '"a"]'),
    "one text too many, of a megabyte": text("BYTES", '["a","b","' + "c" * 2**20 + '"]'),
}
NUMBERS = {
    "NaN": "[NaN, 1]",
    "Infinity": "[Infinity, 1]",
    "-Infinity": "[1, -Infinity]",
    "nan": "[nan, 1]",
    "inf": "[inf, 1]",
    "1e999": "[1e999, 1]",
    "-1e999": "[1, -1e999]",
    "1e39 in FP32": "[1e39, 1]",
    "3.5e38 in FP32": "[3.5e38, 1]",
    "a leading zero": "[01, 1]",
    "a leading plus": "[+1, 1]",
    "a lone minus": "[-, 1]",
    "two minuses": "[--1, 1]",
    "a lone point": "[., 1]",
    "nothing before the point": "[.5, 1]",
    "nothing after the point": "[1., 1]",
    "a lone exponent": "[e5, 1]",
    "nothing after the exponent": "[1e, 1]",
    "hexadecimal": "[0x1, 1]",
    "octal": "[0o1, 1]",
    "underscores": "[1_000, 1]",
    "a decimal comma": "[1,5, 1]",
    "a string": '["1", 1]',
    "an empty string": '["", 1]',
    "true": "[true, 1]",
    "null": "[null, 1]",
    "an object": '[{"value": 1}, 1]',
    "a list": "[[1], 1]",
    "mixed nesting": "[1, [1]]",
    "undefined": "[undefined, 1]",
    "too few": "[1]",
    "too many": "[1, 2, 3]",
    "none": "[]",
    "ragged": "[[1, 2], [3]]",
    "ragged empty": "[[], [1, 2]]",
    "too deep": "[[[1, 2]]]",
    "deeper": "[[[[[1, 2]]]]]",
    "a column": "[[1], [2]]",
    "two rows": "[[1, 2], [3, 4]]",
    "a row too many": "[[1, 2], []]",
    "no list": "1",
    "a string instead": '"1,2"',
    "base64 instead": '"AAAAAAAA"',
    "null instead": "null",
    "an object instead": '{"0": 1, "1": 2}',
    "a thousand brackets": "[" * 1_000 + "1" + "]" * 1_000,
    "a hundred thousand brackets": "[" * 100_000 + "]" * 100_000,
    "a comma too many": "[1, 2,]",
    "no comma": "[1 2]",
}
OTHER_VALUES = [
    ("INT8", "[128, 0]"),
    ("INT8", "[-129, 0]"),
    ("INT8", "[1.0, 0]"),
    ("INT8", "[1.5, 0]"),
    ("INT8", "[1e1, 0]"),
    ("INT8", "[true, 0]"),
    ("INT8", '["1", 0]'),
    ("INT8", "[null, 0]"),
    ("INT8", "[36893488147419103232, 0]"),
    ("INT8", "[[[1, 2]]]"),
    ("UINT64", "[-1, 0]"),
    ("UINT64", "[18446744073709551616, 0]"),
    ("UINT64", "[1.0, 0]"),
    ("UINT64", "[-18446744073709551616, 0]"),
    ("FP16", "[65520, 0]"),
    ("FP16", "[-1e5, 0]"),
    ("FP16", "[NaN, 0]"),
    ("FP16", '["0.5", 0]'),
    ("BOOL", "[0, 1]"),
    ("BOOL", '["true", false]'),
    ("BOOL", "[null, false]"),
    ("BOOL", "[True, False]"),
    ("BOOL", "[1.0, false]"),
    ("BYTES", "[1, 2]"),
    ("BYTES", '[null, "a"]'),
    ("BYTES", '[true, "a"]'),
    ("BYTES", '[["a"], ["b"]]'),
    ("BYTES", '["a"]'),
    ("BYTES", '[{"b64": "AA=="}, "a"]'),
    ("BYTES", '["\\ud800", "a"]'),
    ("BYTES", '["\\udc00\\ud800", "a"]'),
    ("BYTES", '["a\\u00", "a"]'),
    ("BYTES", '["\ud800", "a"]'),
    ("BYTES", '["\0", "a"]'),
    ("BYTES", '["a\nb", "a"]'),
]
SHAPES = [
    "[]",
    "[2]",
    "[1]",
    "[1, 1]",
    "[2, 1]",
    "[1, 2, 1]",
    "[0, 2]",
    "[1, 0]",
    "[-1, 2]",
    "[1, -1]",
    "[1, -2]",
    "[2, 2]",
    "[1, 3]",
    "[2147483648, 2]",
    "[4294967296, 2]",
    "[4294967297, 2]",
    "[9223372036854775807, 2]",
    "[9223372036854775808, 2]",
    "[18446744073709551617, 2]",
    "[1, 18446744073709551618]",
    "[1" + "0" * 400 + ", 2]",
    "[1.0, 2]",
    "[1.5, 2]",
    "[1e0, 2]",
    '["1", 2]',
    "[true, 2]",
    "[null, 2]",
    "[[1], 2]",
    "[[1, 2]]",
    "null",
    '"1,2"',
    "2",
    '{"0": 1}',
    "[" + "1," * 63 + "2]",
    "[" + "1," * 64 + "2]",
    "[" + "1," * 100_000 + "2]",
    "[" + "9223372036854775807," * 30 + "2]",
    "[NaN, 2]",
]
REQUESTS: dict[str, Any] = {
    "an unknown input": request({"name": "more", "shape": [1], "datatype": "FP32", "data": [1]}),
    "an empty name": request({"name": "", "shape": [1], "datatype": "FP32", "data": [1]}),
    "a name in another case": request({"name": "IN_FP32", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name with a blank": request({"name": "in_FP32 ", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name that looks alike": request({"name": "\u0456n_FP32", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name with a NUL": request({"name": "in_FP32\0", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name of a megabyte": request({"name": "n" * 2**20, "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name with markup": request({"name": "<script>", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a name with a format": request({"name": "%s{0.__class__}", "shape": [1], "datatype": "FP32", "data": [1]}),
    "an output's name": request({"name": "out_FP32", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}),
    "a missing input": {"inputs": request()["inputs"][1:]},
    "only one input": {"inputs": request()["inputs"][:1]},
    "an input twice": {"inputs": request()["inputs"] * 2},
    "an input twice and one missing": {"inputs": [*request()["inputs"][1:], request()["inputs"][1]]},
    "a thousand inputs": {"inputs": request()["inputs"] * 200},
    "no name": request() | {"inputs": [*request()["inputs"], {"shape": [1], "datatype": "FP32", "data": [1]}]},
    "no shape": request(tensor("FP32", shape=...)),
    "no datatype": request(tensor("FP32", datatype=...)),
    "no data": request(tensor("FP32", data=...)),
    "a null datatype": request(tensor("FP32", datatype=None)),
    "numpy's datatype": request(tensor("FP32", datatype="float32")),
    "a datatype in lower case": request(tensor("FP32", datatype="fp32")),
    "another datatype": request(tensor("FP32", datatype="FP64")),
    "another datatype of the same size": request(tensor("FP32", datatype="INT32")),
    "BF16": request(tensor("FP32", datatype="BF16")),
    "an unknown datatype": request(tensor("FP32", datatype="COMPLEX64")),
    "no datatype at all": request(tensor("FP32", datatype="")),
    "a datatype of a megabyte": request(tensor("FP32", datatype="F" * 2**20)),
    "contents as in gRPC": request(tensor("FP32", data=..., contents={"fp32_contents": [1, 2]})),
    "parameters a list": request(tensor("FP32", parameters=[1])),
    "parameters a string": request(tensor("FP32", parameters="a")),
    "a binary size without a header": request(tensor("FP32", data=..., parameters={"binary_data_size": 8})),
    "a binary size and data": request(tensor("FP32", parameters={"binary_data_size": 8})),
    "shared memory": request(tensor("FP32", data=..., parameters={"shared_memory_region": "r"})),
    "shared memory and data": request(tensor("FP32", parameters={"shared_memory_region": "/etc/passwd"})),
    "an id that is a number": request(id=1),
    "an id that is a list": request(id=["a"]),
    "an id that is an object": request(id={}),
    "outputs a string": request(outputs="out_FP32"),
    "outputs an object": request(outputs={"name": "out_FP32"}),
    "outputs names": request(outputs=["out_FP32"]),
    "an output without a name": request(outputs=[{}]),
    "an output with a number as name": request(outputs=[{"name": 1}]),
    "an unknown output": request(outputs=[{"name": "nope"}]),
    "an input as an output": request(outputs=[{"name": "in_FP32"}]),
    "an empty output": request(outputs=[{"name": ""}]),
    "an output twice": request(outputs=[{"name": "out_FP32"}, {"name": "out_FP32"}]),
    "ten thousand outputs": request(outputs=[{"name": "out_FP32"}] * 10_000),
    "classification": request(outputs=[{"name": "out_FP32", "parameters": {"classification": 3}}]),
    "an output to shared memory": request(outputs=[{"name": "out_FP32", "parameters": {"shared_memory_region": "a"}}]),
    "binary_data a number": request(outputs=[{"name": "out_FP32", "parameters": {"binary_data": 1}}]),
    "binary_data a string": request(outputs=[{"name": "out_FP32", "parameters": {"binary_data": "true"}}]),
    "output parameters a list": request(outputs=[{"name": "out_FP32", "parameters": []}]),
    "binary_data_output a string": request(parameters={"binary_data_output": "true"}),
    "binary_data_output a number": request(parameters={"binary_data_output": 1}),
    "a timeout that is text": request(parameters={"timeout": "1s"}),
    "a timeout that is negative": request(parameters={"timeout": -1}),
    "a timeout that is a fraction": request(parameters={"timeout": 0.5}),
    "a timeout that is a list": request(parameters={"timeout": [1]}),
    "parameters a list of a request": request(parameters=[]),
    "parameters a number": request(parameters=1),
}
SURVIVED: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "a key twice": (WHOLE[:-1] + b"," + WHOLE[1:], (200,)),
    "data twice": (WHOLE.replace(b'"data": [1.5, -2]', b'"data": ["x"], "data": [1.5, -2]'), (200, 400)),
    "unknown keys": (json.dumps(request(more=[1], model_name="other", __proto__={})).encode(), (200,)),
    "odd parameters": (json.dumps(request(parameters={"": None, "sequence_id": 7, "a" * 1000: [[]]})).encode(), (200,)),
    "deep parameters": (json.dumps(request(parameters="@")).encode().replace(
        b'"@"', b'{"a":' * 5_000 + b"1" + b"}" * 5_000), (400,)),
    "a deep unknown key": (json.dumps(request(more="@")).encode().replace(
        b'"@"', b"[" * 90_000 + b"]" * 90_000), (400,)),
    "an id of a megabyte": (json.dumps(request(id="i" * 2**20)).encode(), (200,)),
    "an id with everything": (json.dumps(request(id="\0\r\n\"\\<>\u2028\U0001f600")).encode(), (200,)),
    "a timeout of nothing": (json.dumps(request(parameters={"timeout": 0})).encode(), (200,)),
    "a timeout that is over": (json.dumps(request(parameters={"timeout": 1})).encode(), (504,)),
    "a timeout of ages": (json.dumps(request(parameters={"timeout": 2**63})).encode(), (200,)),
    "no rows": (json.dumps({"inputs": [
        tensor(datatype, shape=[0, 2], data=[]) for datatype in ASKED]}).encode(), (200, 400)),
    "texts with NULs": (json.dumps(request(tensor("BYTES", data=["\0", "a\0b"]))).encode(), (200,)),
    "long texts": (json.dumps(request(tensor("BYTES", data=["a" * 2**20, ""]))).encode(), (200,)),
    "numbers at the edge": (text("FP32", "[3.4028234663852886e38, 1e-46]"), (200,)),
    "a negative zero": (text("FP32", "[-0, -0.0]"), (200,)),
    "exponents": (text("FP32", "[1E5, 1e-5]"), (200,)),
    "blanks": (WHOLE.replace(b",", b" \r\n\t, "), (200,)),
    "too large for JSON": (text("FP32", "[" + "1," * 2_200_000 + "1]"), (413,)),
    "other rows than its neighbours": (json.dumps(request(tensor("FP32", shape=[2, 2], data=[1, 2, 3, 4]))).encode(),
                                       (200, 400)),
}  # fmt: skip


def cases() -> Iterator[Case]:
    for what, bodies in (("no JSON", NO_JSON), ("other JSON", OTHER_JSON), ("deep", DEEP), ("bomb", BOMBS)):
        for name, body in bodies.items():
            yield Case(f"{what}: {name}", body)
    for name, data in NUMBERS.items():
        yield Case(f"number: {name}", text("FP32", data))
    for datatype, data in OTHER_VALUES:
        yield Case(f"{datatype}: {data!a}", text(datatype, data))
    for shape in SHAPES:
        yield Case(f"shape: {shape[:40]} ({len(shape)})", shaped(shape))
    for name, told in REQUESTS.items():
        yield Case(f"request: {name}", json.dumps(told).encode())
    for name, (body, statuses) in SURVIVED.items():
        yield Case(f"survived: {name}", body, statuses)

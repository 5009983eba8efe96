"""What clients choose themselves, on its way into logs, metrics and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.hostile.attack import Attack, statuses
from tests.hostile.rpc import LOST, call, question
from tests.hostile.sending import answer, attack, connected, told, written
from tests.hostile.server import Server
from tests.hostile.transport import WHOLE
from tests.unit.runtime.bad.case import Case

NAMES = 1000
FORGED = '{"event":"request","status":200,"path":"/forged"}'
_PATHS = {
    "a line of the log": "/v2/models/%0a" + FORGED.replace('"', "%22").replace("{", "%7b").replace("}", "%7d"),
    "a line's end": "/v2/models/x%0d%0aforged",
    "an escape sequence": "/v2/models/%1b[2J%1b]0;forged%07",
    "a quote": "/v2/models/%22,%22status%22:200",
    "a label of the metrics": "/v2/models/x%22%7d%201%0aforged_total%201",
    "a kind of space": "/v2/models/%e2%80%a8%e2%80%a9",
}


def attacks() -> Iterator[Attack]:
    for name, path in _PATHS.items():
        yield attack("v2 json", "logs and metrics", Case(name, None, (404,), path, "GET"))
    for number, value in enumerate(("a" * 5000, "\t", "a b", '"}', "\xff\xfe", "<script>alert(1)</script>", "%0a")):
        path, whole = WHOLE["features"]
        case = Case(f"a request's id {number}", whole, (200,), path, headers={"X-Request-Id": value})
        yield attack("features", "logs and metrics", case)
    tables: dict[str, tuple[str, str]] = {
        "v2 json": ("/v2/models/{}/infer", "POST"),
        "v1": ("/v1/models/{}:predict", "POST"),
        "features": ("/v1/predict/{}", "POST"),
        "admin": ("/v2/repository/models/{}/unload", "POST"),
        "transport": ("/{}", "GET"),
    }
    for door, (path, method) in tables.items():
        named = Attack(door, "logs and metrics", f"{NAMES} names", _many(path, method, door), statuses(404))
        yield named
    methods = Attack("transport", "logs and metrics", "300 methods", _methods, statuses(405))
    yield methods
    yield Attack("grpc", "logs and metrics", "200 names", _calls, (LOST,))


def _many(path: str, method: str, door: str) -> Callable[[Server], str]:
    def act(server: Server) -> str:
        found = set()
        with connected(server.admin_port if door == "admin" else server.port) as line:
            for number in range(NAMES):
                headers = {"Connection": "keep-alive", "X-Request-Id": f"id-{number}"}
                line.sendall(
                    written(Case("", b"{}", path=path.format(f"name-{number}"), method=method, headers=headers))
                )
                found.add(told(line, method)[0])
        return " ".join(sorted(found))

    return act


def _methods(server: Server) -> str:
    path, whole = WHOLE["v1"]
    requests = (written(Case("", whole, path=path, method=f"M{number}")) for number in range(300))
    return " ".join(sorted({answer(server.port, data)[0] for data in requests}))


def _calls(server: Server) -> str:
    return " ".join(sorted({call(server, question(model_name=f"name-{number}")) for number in range(200)}))

"""Who takes part: the floors, this runtime, and the peers as their own documentation sets them up and tunes them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from .cells import DOORS, V2
from .contestant import Contestant

UVICORN = ("$bin/uvicorn", "--host=127.0.0.1", "--port=$port", "--log-level=warning")
FAST = ("--no-access-log", "--loop=uvloop", "--http=httptools", "--no-server-header", "--no-date-header")
OIP = {"v2": V2, "binary": V2}
JSON_ONLY = {"v2": V2, "v1": DOORS["v1"]}
OURS = "moorage"
KSERVE, MLSERVER, TRITON = "KServe, tuned", "MLServer, tuned", "Triton, tuned, batching"
MLP_ALONE = f"{OURS}, batching off"
REFERENCE = Contestant(
    "uvicorn, constant answer", "", (*UVICORN, *FAST, "--app-dir=$servers", "constant_asgi:app"), constant=True
)
BODY_READER = Contestant("body reader", "", ("$python", "$servers/body_reader.py"), "image", "image", constant=True)
GRPC_CONSTANT = Contestant(
    "grpc.aio, constant answer", "", ("$python", "$servers/constant_grpc.py"), "grpc", constant=True
)


def everyone() -> list[Contestant]:
    """All contestants, in the order of the first round."""
    return [REFERENCE, *_ours(), GRPC_CONSTANT, BODY_READER, *_peers(), *_peers_by_grpc(), *_peers_with_others()]


def moorage(name: str, group: str = "http", model: str = "gb", **configuration: Any) -> Contestant:
    """This runtime, its artifact downloaded before the clock starts."""
    document = {"model": "fraud", "version": "1", "revision": "bench", "source": {"uri": "file://$artifact"}}
    environment = {
        "PYTHONPATH": "$runtime",
        "MOORAGE_CONFIG": json.dumps(document | configuration),
        "MOORAGE_MODEL_DIR": "$folder/models",
        "MOORAGE_CREDENTIALS_DIR": "$folder",
        "MOORAGE_ROUTES_DIR": "$folder",
        "MOORAGE_TERMINATION_PATH": "$folder/termination",
        "MOORAGE_HOST": "127.0.0.1",
        "MOORAGE_HTTP_PORT": "$port",
        "MOORAGE_GRPC_PORT": "$grpc_port",
        "MOORAGE_ADMIN_PORT": "$admin_port",
    }
    run = ("$python", "-m", "moorage_runtime")
    return Contestant(name, "", (*run, "serve"), group, model, (*run, "download"), environment)


def guarded() -> Contestant:
    """This runtime with a key to show and a line in the log for one request in a hundred."""
    plain = moorage(f"{OURS}, key, access log of 1 %", apiKeys=True, accessLogPercent=1)
    key = "mkdir keys && printf %s a-key-for-the-benchmark > keys/one && exec $python -m moorage_runtime download"
    return replace(
        plain,
        prepare=("sh", "-c", key),
        environment={**plain.environment, "MOORAGE_API_KEYS_DIR": "$folder/keys"},
        headers={"authorization": "Bearer a-key-for-the-benchmark"},
    )


def _ours() -> list[Contestant]:
    return [
        moorage(OURS),
        guarded(),
        moorage(f"{OURS}, answers remembered", cache={}),
        moorage(OURS, "grpc"),
        moorage(OURS, "image", "image"),
        moorage(OURS, "linear", "linear"),
        moorage(OURS, "mlp", "mlp"),
        moorage(MLP_ALONE, "mlp", "mlp", batcher={"maxBatchSize": 1}),
    ]


def _peers() -> list[Contestant]:
    return [
        *_fastapi(),
        kserve("KServe"),
        kserve(KSERVE, "tuned"),
        mlserver("MLServer"),
        mlserver(MLSERVER, "tuned"),
        mlserver("MLServer, tuned, batching", "tuned", "batch"),
        *_bentoml(),
        litserve("LitServe"),
        litserve("LitServe, tuned", "tuned"),
        litserve("LitServe, tuned, batching", "tuned", "batch"),
        *_ray(),
        triton("Triton"),
        triton("Triton, tuned", tuned=True),
        triton(TRITON, tuned=True, batch=True),
    ]


def _peers_by_grpc() -> list[Contestant]:
    return [
        kserve(KSERVE, "tuned", "grpc", group="grpc"),
        mlserver(MLSERVER, "tuned", group="grpc"),
        triton(TRITON, "grpc", tuned=True, batch=True),
    ]


def _peers_with_others() -> list[Contestant]:
    return [
        kserve(KSERVE, "tuned", group="linear", model="linear"),
        kserve(KSERVE, "tuned", group="mlp", model="mlp"),
        triton("Triton, tuned", "mlp", "mlp", tuned=True),
        triton(TRITON, "mlp", "mlp", tuned=True, batch=True),
    ]


def _fastapi() -> list[Contestant]:
    application = "--app-dir=$servers"
    return [
        Contestant(
            "FastAPI, tutorial", "fastapi", (*UVICORN[:3], application, "fastapi_tutorial:app"), doors=JSON_ONLY
        ),
        Contestant("FastAPI, tuned", "fastapi", (*UVICORN, *FAST, application, "fastapi_tuned:app"), doors=JSON_ONLY),
    ]


def kserve(name: str, *words: str, group: str = "http", model: str = "gb") -> Contestant:
    """KServe with the words of kserve_server.py."""
    command = ("$python", "$servers/kserve_server.py", *words)
    return Contestant(name, "kserve", command, group, model, doors=OIP | JSON_ONLY)


def mlserver(name: str, *words: str, group: str = "http") -> Contestant:
    """MLServer with settings of the words of mlserver_runtime.py."""
    settings = ("$python", "$servers/mlserver_runtime.py", *words)
    return Contestant(name, "mlserver", ("$bin/mlserver", "start", "."), group, prepare=settings, doors={"v2": V2})


def _bentoml() -> list[Contestant]:
    serve = ("$bin/bentoml", "serve", "bento_service:Fraud", "--working-dir=$servers", "--host=127.0.0.1")
    quiet = {"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": "$folder/bentoml"}
    return [
        Contestant(
            name, "bentoml", (*serve, "--port=$port", *more), environment=quiet | {"BENTO": how}, doors=JSON_ONLY
        )
        for name, how, more in (
            ("BentoML", "", ()),
            ("BentoML, tuned", "tuned", ("-q",)),
            ("BentoML, tuned, own ASGI application", "asgi", ("-q",)),
        )
    ]


def litserve(name: str, *words: str) -> Contestant:
    """LitServe with the words of litserve_app.py; its one route takes both bodies."""
    return Contestant(name, "litserve", ("$python", "$servers/litserve_app.py", *words), doors={"v2": V2})


def _ray() -> list[Contestant]:
    quiet = {"RAY_USAGE_STATS_ENABLED": "0"}
    tuned = quiet | {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    haproxy = tuned | {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_HAPROXY_NBTHREAD": "1"}
    return [
        Contestant(name, "ray", ("$python", "$servers/ray_app.py", *words), environment=environment, doors=JSON_ONLY)
        for name, words, environment in (
            ("Ray Serve", (), quiet),
            ("Ray Serve, tuned", ("tuned",), tuned),
            ("Ray Serve, tuned, HAProxy", ("tuned",), haproxy),
        )
    ]


def triton(name: str, group: str = "http", model: str = "gb", tuned: bool = False, batch: bool = False) -> Contestant:
    """Triton with its Python backend (the only one in the wheel), metrics and chatter off when tuned."""
    quiet = ("--allow-metrics=false", "--http-thread-count=1", "--log-info=false")
    ports = ("--http-port=$port", "--grpc-port=$grpc_port", "--http-address=127.0.0.1", "--grpc-address=127.0.0.1")
    command = (
        "$site/pytriton/tritonserver/bin/tritonserver",
        "--model-repository=$folder/repository",
        "--backend-directory=$folder/backends",
        *ports,
        *(quiet if tuned else ("--metrics-port=$admin_port",)),
    )
    lay_out = ("$python", "$servers/triton_repository.py", *(["batch"] if batch else []))
    libraries = {"LD_LIBRARY_PATH": "$site/nvidia_pytriton.libs"}
    return Contestant(name, "triton", command, group, model, lay_out, libraries, OIP)

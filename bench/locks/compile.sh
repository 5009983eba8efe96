#!/bin/sh
# Writes one lock a peer: what its own documentation installs, and the onnxruntime that all of them run.
set -eu
cd "$(dirname "$0")"
lock() {
    out=$1
    shift
    printf '%s\n' "$@" "onnxruntime==1.31.*" | uv pip compile - --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-annotate --quiet -o "$out.txt"
}
lock fastapi "fastapi==0.165.*" "uvicorn>=0.54" uvloop httptools orjson
lock kserve "kserve==0.21.*"
# MLServer's worker process dies with a younger uvloop: it asks for an event loop that nobody made.
lock mlserver "mlserver==1.7.1" "uvloop==0.21.*"
lock bentoml "bentoml==1.4.*"
lock litserve "litserve==0.2.19"
lock ray "ray[serve]==2.60.*"
lock triton "nvidia-pytriton==0.7.0"

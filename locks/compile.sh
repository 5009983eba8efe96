#!/bin/sh
# Writes the lock files: one per image and one for development, all from the same resolution, without any registry's name.
set -eu
cd "$(dirname "$0")/.."
# What is wanted stands in pyproject.toml, or comes in by the pipe (-).
resolve() { out=$1; shift; uv pip compile "$@" --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet -o "$out"; }
lock() { out=$1; shift; resolve "$out" pyproject.toml "$@"; }
printf "uv>=0.13\nhatchling>=1.27\neditables>=0.5\n" | resolve locks/bootstrap.txt -
lock locks/dev.txt --extra dev
lock locks/operator.txt --extra operator --constraint locks/dev.txt
lock locks/runtime.txt --extra runtime --extra onnx --constraint locks/dev.txt
printf "mypy\nsetuptools\n" | resolve locks/compiler.txt - --constraint locks/dev.txt

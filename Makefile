PY := .local/venv/bin/python
BIN := .local/venv/bin
export ORT_DISABLE_TELEMETRY := 1

.PHONY: demo test venv lint types contracts unit unit-compiled unit-sources e2e cluster-up cluster-down images install generate bench
demo: cluster-up images venv ; @$(PY) -m e2e.demo
test: venv lint types contracts unit cluster-up images e2e ; @echo "all checks passed"
venv: ; @python3 -m e2e.workbench
lint: venv ; @$(BIN)/ruff check . && $(BIN)/ruff format --check .
types: venv ; @$(BIN)/mypy
contracts: venv ; @$(BIN)/lint-imports --no-cache
unit: unit-compiled unit-sources
# As pods have it, and what differs on a laptop: the same modules as they are written.
unit-compiled: venv ; @MOORAGE_COMPILED=1 $(BIN)/pytest tests -m "not cluster" -n 2 --dist loadfile -o pythonpath="operator $$($(PY) -m e2e.workbench.compiled) ."
unit-sources: venv ; @$(BIN)/pytest tests/contract tests/fuzz tests/unit/runtime/http tests/unit/runtime/test_compiled.py -m "not cluster" -n 2
e2e: venv cluster-up images ; @$(BIN)/pytest tests e2e -m "cluster"
cluster-up: ; @python3 -m e2e.cluster up
cluster-down: ; @python3 -m e2e.demo.forward close && python3 -m e2e.cluster down
images: ; @python3 -m e2e.cluster images
install: cluster-up images ; @.local/bin/kubectl --kubeconfig .local/kubeconfig apply --server-side --force-conflicts -k manifests/local
generate: venv ; @$(PY) -m moorage_operator.api.crd && $(PY) -m tests.golden.render && $(PY) -m tests.unit.runtime.grpc.messages
bench: venv ; @$(PY) -m bench

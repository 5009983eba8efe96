"""The story of `make demo`, told while it happens; a second run goes on where the first one ended."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from e2e.demo.forward import keep_open
from e2e.demo.patients import ALGORITHMS, DIAGNOSIS, Patients, Trained, load, train
from e2e.demo.registry import move_alias, register
from e2e.demo.second_act import Show, promoted, rolled_back, settled
from e2e.demo.spoiled import spoil
from e2e.demo.visitors import arrive
from e2e.demo.workplace import LOCAL, ROOT, kubectl

NAMESPACE = "demo"
MODEL = "breast-cancer"
ALIAS = "champion"
EXAMPLE, CANARY = "examples/breast-cancer.yaml", "examples/canary.yaml"
PLOT = LOCAL / "demo.html"
MLFLOW_PORT, MODEL_PORT = 15000, 18080
MLFLOW, ENDPOINT = f"http://127.0.0.1:{MLFLOW_PORT}", f"http://127.0.0.1:{MODEL_PORT}"
SHOWN_FEATURES = ("mean radius", "mean texture", "worst area")
SHOWN_ROWS = 4
PATIENCE_SECONDS = 180.0
FORWARD_SECONDS = 15.0


def main() -> None:
    """Install, train, register, apply, predict; then a good version and a bad one, under load."""
    cluster = kubectl()
    say("install the operator", "kubectl apply -k manifests/local")
    cluster.run("apply", "--server-side", "--force-conflicts", "-k", str(ROOT / "manifests" / "local"))
    cluster.run(
        "-n", "moorage-system", "rollout", "status", "deployment/moorage-operator", "--timeout=180s", seconds=190
    )
    keep_open("moorage-parts", "mlflow", 80, MLFLOW_PORT)

    patients = load()
    first, second = (train(patients, algorithm) for algorithm in ALGORITHMS)
    version = publish(first, patients)

    say(f"serve it: kubectl apply -n {NAMESPACE} -f {EXAMPLE}", (ROOT / EXAMPLE).read_text().strip())
    ensure_namespace()
    began = time.monotonic()
    cluster.run("apply", "-n", NAMESPACE, "-f", str(ROOT / EXAMPLE))
    watch_until_served(version, began)
    keep_open(NAMESPACE, MODEL, 80, MODEL_PORT)
    show_predictions(patients)

    second_act(second, patients)
    keep_open(NAMESPACE, MODEL, 80, MODEL_PORT)
    show_predictions(patients)
    tell_what_next()


def second_act(better: Trained, patients: Patients) -> None:
    """A good version comes in by steps while visitors ask; then a bad one, which nobody has to stop."""
    say(f"from now on by steps: kubectl apply -n {NAMESPACE} -f {CANARY}", (ROOT / CANARY).read_text().strip())
    kubectl().run("apply", "-n", NAMESPACE, "-f", str(ROOT / CANARY))
    visitors = arrive(kubectl(), NAMESPACE, f"http://{MODEL}.{NAMESPACE}.svc/v2/models/{MODEL}/infer", patients)
    show = Show(NAMESPACE, MODEL, visitors)
    good = publish(better, patients)
    show.until(f"the promotion of version {good}", promoted(good))
    say(f"version {good} was as good as the one before, and serves now", "so is the next one, says who trained it")
    bad = publish(spoil(better, patients), patients)
    status = show.until(f"the end of version {bad}", rolled_back(bad))
    failed = next(each for each in status["failed"] if each["version"] == bad)
    say(f"version {bad} is out: {failed['reason']}", failed["message"])
    move_alias(MLFLOW, MODEL, ALIAS, good)
    show.until("the end of the story", settled(good))
    visitors.leave()
    show.draw(PLOT)
    lost = visitors.total.get("failed", 0)
    say(f"{sum(visitors.total.values())} requests, {lost} failed", f"the plot: {PLOT.relative_to(ROOT)}")
    if lost:
        sys.exit("a client saw a failure; that must not be")


def publish(trained: Trained, patients: Patients) -> str:
    """Register a model and make it the champion; gives its version."""
    version = register(MLFLOW, MODEL, trained, patients)
    move_alias(MLFLOW, MODEL, ALIAS, version)
    say(
        f"train on {len(patients.train)} patients: {trained.algorithm}",
        f"held-out accuracy {trained.accuracy:.1%}, registered in MLflow as models:/{MODEL}/{version}, alias {ALIAS}",
    )
    return version


def ensure_namespace() -> None:
    """A namespace that admits only restricted pods."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    kubectl().run("apply", "-f", "-", text=json.dumps(namespace))


def watch_until_served(version: str, began: float) -> None:
    """Print each change of the status until `version` is what the Service serves; else fail with the conditions."""
    seen = ""
    while time.monotonic() - began < PATIENCE_SECONDS:
        status = read_status()
        line = describe(status)
        if line != seen:
            print(f"  {time.monotonic() - began:5.1f} s  {line}", flush=True)
            seen = line
        if status.get("version") == version and is_true(status, "Ready") and not is_true(status, "Reconciling"):
            return
        time.sleep(0.25)
    conditions = json.dumps(read_status().get("conditions", []), indent=1)
    sys.exit(f"version {version} is not served after {PATIENCE_SECONDS:.0f} s; the resource says:\n{conditions}")


def read_status() -> dict[str, Any]:
    """The status of the demo's resource."""
    text = kubectl().run("-n", NAMESPACE, "get", "mdep", MODEL, "-o", "json")
    status: dict[str, Any] = json.loads(text).get("status", {})
    return status


def describe(status: dict[str, Any]) -> str:
    """One line: what serves, what comes, and the words of the first condition that has something to tell."""
    serving = f"version {status['version']} serves" if status.get("version") else "nothing serves yet"
    candidate = status.get("candidate")
    coming = f", version {candidate['version']} comes in" if candidate else ""
    phase = status.get("rollout", {}).get("phase", "")
    return f"{serving}{coming}" + (f" ({phase})" if phase else "")


def is_true(status: dict[str, Any], kind: str) -> bool:
    """True when the condition of that type is True."""
    return any(c["type"] == kind and c["status"] == "True" for c in status.get("conditions", []))


def show_predictions(patients: Patients) -> None:
    """Ask about a few held-out patients and print answer, truth and the version that answered."""
    rows = patients.held_out.head(SHOWN_ROWS)
    data = [float(value) for value in rows.to_numpy().ravel()]
    request = {"inputs": [{"name": "X", "shape": list(rows.shape), "datatype": "FP32", "data": data}]}
    answer, answered_by = ask(json.dumps(request).encode())
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    print(f"\n  answered by version {answered_by}:")
    print("  " + "".join(f"{name:>14}" for name in SHOWN_FEATURES) + f"{'prediction':>14}{'sure':>8}{'truth':>12}")
    for row in range(len(rows)):
        label = int(outputs["label"][row])
        sure = outputs["probabilities"][2 * row + label]
        values = "".join(f"{rows.iloc[row][name]:14.2f}" for name in SHOWN_FEATURES)
        print(f"  {values}{DIAGNOSIS[label]:>14}{sure:8.1%}{DIAGNOSIS[patients.held_out_labels[row]]:>12}")


def ask(body: bytes) -> tuple[dict[str, Any], str]:
    """POST one V2 request; gives the answer and the version that gave it. A forward that is just renewed is awaited."""
    url = f"{ENDPOINT}/v2/models/{MODEL}/infer"
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
    until = time.monotonic() + FORWARD_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response), response.headers["x-model-version"]
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def tell_what_next() -> None:
    """The URLs that work now, and what is worth a try."""
    say(
        "yours to try",
        f"""predictions   {ENDPOINT}/v2/models/{MODEL}          (metadata; POST .../infer)
registry      {MLFLOW}                                 (MLflow's API; move the alias yourself)
cluster       export KUBECONFIG=$PWD/.local/kubeconfig PATH=$PWD/.local/bin:$PATH
              kubectl -n {NAMESPACE} get mdep,pods
              kubectl -n {NAMESPACE} describe mdep {MODEL}
break it      kubectl -n {NAMESPACE} patch mdep {MODEL} --type merge \\
                -p '{{"spec":{{"model":{{"storageUri":"models:/{MODEL}/999"}}}}}}'
              (the old version serves on; the resource says why)
the end       make cluster-down""",
    )


def say(head: str, text: str = "") -> None:
    """One step of the story."""
    print(f"\n== {head}", flush=True)
    for line in text.splitlines():
        print(f"   {line}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))}\n{error.stderr}")

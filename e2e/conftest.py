"""Fixtures of the end-to-end suite. It needs a cluster (KUBECONFIG), kubectl and both images in the cluster."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e.harness.api import ApiServer, read_access
from e2e.harness.figures import Figures
from e2e.harness.installed import Installed
from e2e.harness.kinds import SECRET
from e2e.harness.kubectl import Kubectl
from e2e.harness.models import Registry, Store
from e2e.harness.room import Room
from e2e.harness.traffic import Traffic

ROOT = Path(__file__).parent.parent
PARTS = "moorage-parts"
FIGURES = Figures()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the cluster."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test tells what its namespace looks like."""
    report = yield
    room = getattr(item, "funcargs", {}).get("room")
    if isinstance(room, Room) and report.when == "call" and report.failed:
        report.sections.append((f"namespace {room.namespace}", room.diagnosis()))
        report.sections.append(("operator", room.kubectl.run(*Installed.LOGS, check=False)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The closing table."""
    if FIGURES.figures:
        terminalreporter.section("figures")
        for line in FIGURES.table():
            terminalreporter.line(line)
        FIGURES.save(ROOT / ".local" / "figures" / "e2e.json")


@pytest.fixture(scope="session")
def figures() -> Figures:
    return FIGURES


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    kubeconfig = Path(os.environ.get("KUBECONFIG") or ROOT / ".local" / "kubeconfig")
    local = ROOT / ".local" / "bin" / "kubectl"
    return Kubectl(local if local.exists() else Path(shutil.which("kubectl") or "kubectl"), kubeconfig)


@pytest.fixture(scope="session")
def api(kubectl: Kubectl) -> ApiServer:
    return ApiServer(read_access(kubectl.kubeconfig))


@pytest.fixture(scope="session")
def operator(api: ApiServer, kubectl: Kubectl) -> Installed:
    """The operator as a user installs it, inside the cluster."""
    installed = Installed(api, kubectl, ROOT / "manifests" / "local")
    installed.ensure()
    return installed


@pytest.fixture(scope="session")
def traffic(api: ApiServer, kubectl: Kubectl) -> Iterator[Traffic]:
    client = Traffic(api, kubectl, f"e2e-client-{secrets.token_hex(3)}")
    client.open()
    yield client
    client.close()


@pytest.fixture(scope="session")
def registry(kubectl: Kubectl) -> Iterator[Registry]:
    with kubectl.forward(PARTS, "svc/mlflow", 80) as address:
        yield Registry(f"http://{address}")


@pytest.fixture(scope="session")
def store_keys(api: ApiServer) -> dict[str, str]:
    """The credentials of the cluster's S3, as the download wants them."""
    data = api.get(SECRET, PARTS, "s3-root")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@pytest.fixture(scope="session")
def store(kubectl: Kubectl, store_keys: dict[str, str]) -> Iterator[Store]:
    with kubectl.forward(PARTS, "svc/s3", 80) as address:
        yield Store(f"http://{address}", store_keys["AWS_ACCESS_KEY_ID"], store_keys["AWS_SECRET_ACCESS_KEY"])


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """A name for things that outlive the test: registered models, prefixes."""
    return f"{_slug(request)}-{secrets.token_hex(3)}"


@pytest.fixture
def room(request: pytest.FixtureRequest, api: ApiServer, kubectl: Kubectl) -> Iterator[Room]:
    """This test's namespace; at the end no CR in it may ever have lied about itself."""
    with ExitStack() as stack:
        opened = Room(api, kubectl, _slug(request))
        stack.callback(opened.close)
        yield opened
        opened.check_honest()


def _slug(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:30].strip("-")

"""Where Docker runs, kind does the work: the commands, in their order, that a cluster comes and goes by."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e.cluster import kind, parts
from e2e.cluster.kind import Kind
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.layout import Layout


class Machine:
    """Records what is run, and answers as kind does."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.clusters = ""

    def run(self, argv: list[str | Path], **options: Any) -> str:
        words = [str(word) for word in argv]
        self.ran.append([Path(words[0]).name, *words[1:]])
        if words[1:3] == ["create", "cluster"]:
            self.clusters = "moorage\n"
        if words[1:3] == ["delete", "cluster"]:
            self.clusters = ""
        return self.clusters if words[1:3] == ["get", "clusters"] else ""

    def verbs(self) -> list[str]:
        return [" ".join(words[:3]) for words in self.ran if words[1:3] != ["get", "clusters"]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine()
    (tmp_path / "kind").touch()
    monkeypatch.setattr(kind, "run", machine.run)
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(Kubectl, "await_node", lambda self, seconds: None)
    monkeypatch.setattr(parts, "apply", lambda kubectl, images: None)
    monkeypatch.setattr(parts, "await_ready", lambda kubectl: None)
    return machine


def test_a_cluster_comes_up_once(machine: Machine, tmp_path: Path) -> None:
    cluster = Kind(Layout(tmp_path, tmp_path / "cache"))

    cluster.up()
    first = machine.verbs()
    cluster.up()

    assert first == [
        "kind create cluster",
        "kind export kubeconfig",
        "docker cp moorage-control-plane:/usr/bin/kubectl",
        "docker build -q",
        "kind load docker-image",
    ]
    assert machine.verbs()[len(first) :] == first[1:]
    assert (tmp_path / ".local" / "node" / "log").is_dir()


def test_own_images_are_loaded_when_the_cluster_runs_and_when_it_comes_later(machine: Machine, tmp_path: Path) -> None:
    cluster = Kind(Layout(tmp_path, tmp_path / "cache"))

    cluster.images()
    assert machine.verbs() == ["docker build -q", "docker build -q"]
    cluster.up()

    loaded = machine.ran[-1]
    assert {"localhost/moorage-operator:dev", "localhost/moorage-runtime:dev"} < set(loaded)


def test_down_forgets_the_kubeconfig(machine: Machine, tmp_path: Path) -> None:
    cluster = Kind(Layout(tmp_path, tmp_path / "cache"))
    cluster.up()
    cluster.layout.kubeconfig.write_text("old")

    cluster.down()

    assert machine.clusters == ""
    assert not cluster.layout.kubeconfig.exists()
    assert not cluster.status()

"""Real models, real processes. Nothing of the runtime is mocked here; stores are small HTTP servers on 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime import models
from tests.unit.runtime.pod import Pod

from moorage_runtime.places import Places


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts by name: `boosting` (MLmodel, example), `logistic` (lone file with ZipMap), `words` (text input)."""
    folder = tmp_path_factory.mktemp("artifacts")
    models.write_boosting(folder / "boosting")
    models.write_logistic(folder / "logistic")
    models.write_words(folder / "words")
    models.write_slow(folder / "slow")
    return folder


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """The folders of one pod, with an empty Secret."""
    (tmp_path / "credentials").mkdir()
    return Places(
        model_dir=tmp_path / "models",
        routes_file=tmp_path / "routes.json",
        credentials_dir=tmp_path / "credentials",
        termination_file=tmp_path / "termination",
        host="127.0.0.1",
        http_port=0,
        admin_port=0,
    )


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Callable[..., Pod]]:
    """Makes pods: `pod(uri, **configuration)`; their processes end with the test."""
    made: list[Pod] = []

    def make(uri: str, **configuration: Any) -> Pod:
        made.append(Pod(tmp_path / f"pod{len(made)}", uri, configuration))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture(scope="session")
def serving(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """One pod that serves `boosting` for every test that only asks."""
    shared = Pod(
        tmp_path_factory.mktemp("serving"), f"file://{artifacts / 'boosting'}", {"limits": {"bodyBytes": 1 << 20}}
    )
    assert shared.download().returncode == 0, shared.termination()
    shared.serve()
    yield shared
    shared.kill()


def dump(document: Any) -> str:
    return json.dumps(document)

"""Threads follow the CPU limit of the pod, of either version of cgroups, however deep it lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime import cgroups
from moorage_runtime.engines import cpus

NESTED = "0::/kubepods/pod1/container\n"
V1 = "4:memory:/other\n3:cpu,cpuacct:/kubepods/pod1\n0::/\n"


def v1(quota: str, folder: str = "cpu") -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "299999 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 25000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 4),
        ("0::/\n", {"cpu.max": "garbage"}, 4),
        ("0::/\n", {"cpu.max": "100000 0"}, 4),
        ("", {}, 4),
        (NESTED, {"kubepods/pod1/container/cpu.max": "300000 100000"}, 3),
        (NESTED, {"kubepods/pod1/container/cpu.max": "max 100000", "kubepods/pod1/cpu.max": "200000 100000"}, 2),
        (NESTED, {"kubepods/pod1/container/cpu.max": "300000 100000", "kubepods/cpu.max": "200000 100000"}, 2),
        (NESTED, {"cpu.max": "300000 100000"}, 3),
        ("0::/../../pod\n", {"pod/cpu.max": "300000 100000"}, 3),
        ("0::/../..\n", {"cpu.max": "300000 100000"}, 3),
        ("1:cpu:/\n", v1("200000"), 2),
        ("1:cpu:/\n", v1("-1"), 4),
        (V1, v1("200000", "cpu,cpuacct/kubepods/pod1"), 2),
        (V1, v1("300000", "cpu,cpuacct"), 3),
        (V1, v1("300000", "cpu/kubepods/pod1") | v1("200000", "cpu/kubepods"), 2),
        ("1:cpu:/\n0::/a\n", {"unified/a/cpu.max": "200000 100000"}, 2),
        ("3:memory:/x\n", v1("200000"), 2),
    ],
)
def test_the_narrowest_limit_counts(
    own: str, files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    for name, content in files.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(content)
    (tmp_path / "own").write_text(own)
    assert cpus.threads(tmp_path / "fs", tmp_path / "own") == expected


def test_never_more_than_the_process_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpu.max").write_text("800000 100000")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3})
    assert cpus.threads(tmp_path, tmp_path / "absent") == 2
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert cpus.threads(tmp_path / "absent", tmp_path / "absent") == 1


@given(st.text())
def test_no_line_of_the_kernel_makes_it_fail(own: str) -> None:
    version1, version2 = cgroups._places("cpu", own)
    for place in (version1, version2):
        assert all(folder.is_relative_to("/mount") for folder in cgroups._upwards(Path("/mount"), place))

"""What a node leaves is removed, and only that of nodes that are gone."""

from pathlib import Path

from e2e.cluster import cgroups, guardians
from e2e.cluster.layout import HERE
from e2e.cluster.ociimage import Image, Layer, Start
from e2e.cluster.parts import PartImages, credentials, manifest
from e2e.cluster.stock import Shelf, record, recorded


def _process(proc: Path, pid: int, cmdline: bytes) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "cmdline").write_bytes(cmdline)


def test_only_the_groups_of_ended_nodes_go(tmp_path: Path) -> None:
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    _process(proc, 10, b"unshare\0--mount\0")
    _process(proc, 11, b"")
    _process(proc, 12, b"bash\0")
    for pid in (10, 11, 12, 13):
        (root / "memory" / cgroups.name(pid) / "kubepods" / "pod1").mkdir(parents=True)
    (root / "memory" / "somebody-else").mkdir()

    cgroups.remove_orphans(root, proc, patience=0)

    assert {folder.name for folder in (root / "memory").iterdir()} == {cgroups.name(10), "somebody-else"}


def test_a_node_is_found_by_what_it_runs(tmp_path: Path) -> None:
    init = Path("/clone/e2e/cluster/node/init.sh")
    _process(tmp_path, 10, b"unshare\0--mount\0" + bytes(init) + b"\0")
    _process(tmp_path, 11, b"unshare\0--mount\0/another/e2e/cluster/node/init.sh\0")
    _process(tmp_path, 12, b"/bin/bash\0" + bytes(init) + b"\0")
    (tmp_path / "self").mkdir()

    assert guardians.find(init, tmp_path) == [10]


def _image(tar: Path, digest: str) -> Image:
    return Image("localhost/a:1", (Layer(tar, digest, 1),), Start(("/a",)))


def test_built_images_are_remembered_while_their_layers_exist(tmp_path: Path) -> None:
    tar, file = tmp_path / "layer.tar", tmp_path / "images.json"
    tar.write_text("x")
    image = _image(tar, "abc")

    assert recorded(file) == []
    record(file, [image])
    assert recorded(file) == [image]
    tar.unlink()
    assert recorded(file) == []


def test_a_node_remembers_content_and_layers(tmp_path: Path) -> None:
    file = tmp_path / "imported.json"
    image, changed = _image(tmp_path / "layer.tar", "abc"), _image(tmp_path / "layer.tar", "def")

    Shelf(file).add(image)

    assert Shelf(file).has(image)
    assert not Shelf(file).has(changed)
    assert Shelf(file).layers() == {"abc"}


def test_no_placeholder_is_left_in_a_manifest() -> None:
    images = PartImages("metrics", "s3", "mlflow", "prometheus")
    names = sorted(path.stem for path in (HERE / "manifests").glob("*.yaml"))
    texts = [images.fill(manifest(name)) for name in names]

    assert not [text for text in texts if "_IMAGE@" in text]


def test_credentials_are_named_as_s3_clients_read_them() -> None:
    assert credentials("key", "secret")["data"] == {
        "AWS_ACCESS_KEY_ID": "a2V5",
        "AWS_SECRET_ACCESS_KEY": "c2VjcmV0",
    }

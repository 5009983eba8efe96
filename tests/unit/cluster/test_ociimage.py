"""An image archive holds what its documents promise, or leaves out only what the reader has."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from e2e.cluster.ociimage import Image, Layer, Start, pack, packed, write


def _layer(tmp_path: Path, name: str, content: str) -> Layer:
    folder = tmp_path / f"{name}-files"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / name).write_text(content)
    pack(folder, tmp_path / name)
    return packed(tmp_path / name)


def _image(tmp_path: Path) -> Image:
    layers = (_layer(tmp_path, "lower", "1"), _layer(tmp_path, "upper", "2"))
    return Image("localhost/thing:1", layers, Start(("/thing", "--quiet"), "10001:10001", "/", ("PATH=/bin", "A=b")))


def _read(image: Image, without: frozenset[str] = frozenset()) -> dict[str, bytes]:
    stream = io.BytesIO()
    write(stream, image, without)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def _blob(files: dict[str, bytes], described: dict[str, Any]) -> bytes:
    content = files["blobs/" + described["digest"].replace(":", "/")]
    assert len(content) == described["size"]
    return content


def test_every_blob_is_where_its_digest_says(tmp_path: Path) -> None:
    files = _read(_image(tmp_path))

    blobs = {name.removeprefix("blobs/sha256/"): content for name, content in files.items() if "sha256" in name}
    assert len(blobs) == 4
    assert all(hashlib.sha256(content).hexdigest() == digest for digest, content in blobs.items())


def test_the_documents_lead_from_the_name_to_the_layers(tmp_path: Path) -> None:
    image = _image(tmp_path)
    files = _read(image)

    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(_blob(files, entry))
    config = json.loads(_blob(files, manifest["config"]))

    assert entry["annotations"]["io.containerd.image.name"] == "localhost/thing:1"
    assert [layer["digest"] for layer in manifest["layers"]] == config["rootfs"]["diff_ids"]
    assert config["config"] == {
        "Env": ["PATH=/bin", "A=b"],
        "WorkingDir": "/",
        "User": "10001:10001",
        "Entrypoint": ["/thing", "--quiet"],
    }
    with tarfile.open(fileobj=io.BytesIO(_blob(files, manifest["layers"][1]))) as upper:
        member = upper.getmember("./etc/upper")
        assert (member.uid, member.gid) == (0, 0)


def test_a_layer_that_the_reader_has_does_not_travel(tmp_path: Path) -> None:
    image = _image(tmp_path)
    whole = _read(image)
    lower, upper = (f"blobs/sha256/{layer.digest}" for layer in image.layers)

    partial = _read(image, frozenset({image.layers[0].digest}))

    assert set(whole) - set(partial) == {lower}
    assert partial[upper] == whole[upper]


def test_content_names_the_image_and_its_reference_does_not(tmp_path: Path) -> None:
    image = _image(tmp_path)

    renamed = Image("localhost/other:2", image.layers, image.start)
    restarted = Image(image.reference, image.layers, Start(("/other",)))

    assert renamed.digest == image.digest
    assert restarted.digest != image.digest

"""Building an image from a Dockerfile on a machine without Docker: overlays upon our own base.

Each RUN and COPY is one cached folder, named by what it was made of. The last stage may only copy:
so nothing of the build (pip's settings, the machine's certificates, mount points) can reach an image.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from . import dockerfile, ociimage, pipsettings, rootfs
from .cache import Cache, fingerprint
from .command import run
from .dockerfile import Copy, Instruction, Stage
from .failure import ClusterFailure
from .layout import HERE
from .ociimage import Image, Layer, Start
from .progress import step

REPOSITORY = HERE.parents[1]
BASES = {"BASE": rootfs.base, "COMPILER": rootfs.compiler}
NOISY_SECONDS = 3.0
LEFT_OUT = "__pycache__"


@dataclass(frozen=True)
class Recipe:
    """An image and its Dockerfile, as a path in the repository."""

    name: str
    reference: str
    dockerfile: str


@dataclass(frozen=True)
class Built:
    """A stage so far: its layers (undermost first), what they were made of, and how it starts."""

    layers: tuple[Path, ...]
    key: str
    start: Start


class Builder:
    """Builds one recipe; what is in the cache is not built again."""

    def __init__(self, recipe: Recipe, cache: Cache) -> None:
        self.recipe = recipe
        self.cache = cache

    def build(self) -> Image:
        """Return the image. Raises ClusterFailure when a step fails or is not understood."""
        text = (REPOSITORY / self.recipe.dockerfile).read_text()
        stages = dockerfile.parse(text, {name: name for name in BASES})
        if any(instruction.word == "RUN" for instruction in stages[-1].instructions):
            raise ClusterFailure(f"{self.recipe.dockerfile}: the last stage may only copy, so that nothing leaks.")
        done = {name: self._base(name) for name in BASES.keys() & {stage.base for stage in stages}}
        for stage in stages:
            done[stage.name] = self._stage(stage, done)
        last = done[stages[-1].name]
        return Image(self.recipe.reference, tuple(self._packed(layer) for layer in last.layers), last.start)

    def _base(self, name: str) -> Built:
        folder = BASES[name](self.cache)
        return Built((folder,), folder.name, Start())

    def _packed(self, folder: Path) -> Layer:
        name = f"tars/{folder.name.rpartition('-')[0]}"
        key = folder.name.rpartition("-")[2]
        return ociimage.packed(self.cache.make(name, key, lambda target: ociimage.pack(folder, target)))

    def _stage(self, stage: Stage, done: Mapping[str, Built]) -> Built:
        if stage.base not in done:
            raise ClusterFailure(f"{self.recipe.dockerfile}: FROM {stage.base} is neither a base nor a stage.")
        built = done[stage.base]
        for number, instruction in enumerate(stage.instructions):
            # Not named after the recipe: equal steps of several Dockerfiles are made once.
            name = f"layers/{stage.name}-{number}"
            built = self._step(name, instruction, built, done)
        return built

    def _step(self, name: str, instruction: Instruction, built: Built, done: Mapping[str, Built]) -> Built:
        if instruction.word == "RUN":
            return self._run(name, instruction.text, built)
        if instruction.word == "COPY":
            return self._copy(name, dockerfile.copy(instruction.text), built, done)
        return replace(built, start=_started(built.start, instruction))

    def _run(self, name: str, command: str, built: Built) -> Built:
        key = fingerprint(built.key, command, *built.start.env)

        def fill(target: Path) -> None:
            with step(f"{self.recipe.name}: {command[:60]}", quiet_below=NOISY_SECONDS):
                _run_inside(built, command, target)

        return _grown(built, self.cache.make(name, key, fill), key)

    def _copy(self, name: str, copy: Copy, built: Built, done: Mapping[str, Built]) -> Built:
        origin = done[copy.stage] if copy.stage else None

        def made_of() -> str:
            content = [origin.key] if origin else list(_context(copy))
            return fingerprint(*copy.sources, copy.target, *content)

        def fill(target: Path) -> None:
            target.mkdir()
            if origin:
                _copy_from_stage(origin, copy, target)
            else:
                _copy_from_repository(copy, target)
            if made_of() != key:
                raise ClusterFailure(f"{', '.join(copy.sources)} changed while it was copied: run this again.")

        key = made_of()

        return _grown(built, self.cache.make(name, key, fill), key)


def _grown(built: Built, layer: Path, key: str) -> Built:
    return replace(built, layers=(*built.layers, layer), key=fingerprint(built.key, key))


def _started(start: Start, instruction: Instruction) -> Start:
    if instruction.word == "ENV":
        named = dict(pair.split("=", 1) for pair in (*start.env, *dockerfile.environment(instruction.text)))
        return replace(start, env=tuple(f"{name}={value}" for name, value in named.items()))
    if instruction.word == "USER":
        return replace(start, user=instruction.text)
    if instruction.word == "WORKDIR":
        return replace(start, workdir=instruction.text)
    return replace(start, entrypoint=dockerfile.entrypoint(instruction.text))


def _context(copy: Copy) -> Iterator[str | Path]:
    for source in copy.sources:
        path = REPOSITORY / source
        if not path.exists():
            raise ClusterFailure(f"COPY {source}: the repository has no such file or folder.")
        yield path


def _run_inside(built: Built, command: str, target: Path) -> None:
    work = target.parent
    settings = pipsettings.of_machine(os.environ)
    for folder in (target, work / "work", work / "root", work / "settings"):
        folder.mkdir()
    (work / "settings" / "pip.conf").write_text(settings.beneath("/run/machine"))
    (work / "settings" / "paths").write_text("".join(f"{path}\n" for path in settings.paths))
    places = {"UPPER": target, "WORK": work / "work", "ROOT": work / "root", "SETTINGS": work / "settings"}
    proxies = [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]
    clean = ["env", "-i", *proxies, *built.start.env, "HOME=/run", "PIP_CONFIG_FILE=/run/pip.conf"]
    run(
        ["unshare", "--mount", HERE / "build" / "run.sh", *clean, "sh", "-euc", command],
        env={"LOWERS": _lowers(built)} | {name: str(path) for name, path in places.items()},
    )


def _copy_from_stage(origin: Built, copy: Copy, target: Path) -> None:
    root = target.parent / "root"
    root.mkdir()
    for source in copy.sources:
        place = copy.target + (Path(source).name if copy.target.endswith("/") else "")
        run(
            ["unshare", "--mount", HERE / "build" / "copy.sh", source, f"{target}{place}"],
            env={"LOWERS": _lowers(origin), "ROOT": str(root)},
        )


def _copy_from_repository(copy: Copy, target: Path) -> None:
    for source in copy.sources:
        path, place = REPOSITORY / source, Path(f"{target}{copy.target}")
        if path.is_dir():
            # As Docker does: what is in the folder, not the folder.
            ignore = shutil.ignore_patterns(LEFT_OUT)
            shutil.copytree(path, place, symlinks=True, ignore=ignore, dirs_exist_ok=True)
        else:
            file = place / path.name if copy.target.endswith("/") else place
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, file)


def _lowers(built: Built) -> str:
    """Return the layers as an overlay wants them: the topmost first."""
    folders = [str(layer) for layer in reversed(built.layers)]
    if any(character in folder for folder in folders for character in ":,\\"):
        raise ClusterFailure(f"The cache's path must hold no colon, comma or backslash: {folders[-1]}")
    return ":".join(folders)

"""What a comparison of one resource found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.commands.comparison import Pair, text_of


@dataclass(frozen=True, slots=True)
class Report:
    """`words`: what the change means; `pairs`: objects that may differ; `renamed`: the revision and the next one."""

    owner: ModelDeployment
    words: Sequence[str]
    pairs: Sequence[Pair]
    renamed: tuple[str, str] | None = None

    def __str__(self) -> str:
        """The words as comments, then the diffs; empty when nothing differs."""
        texts = [text for pair in self.pairs if (text := text_of(pair, self.renamed))]
        if not texts and self.renamed is None:
            return ""
        metadata = self.owner.metadata
        head = [f"ModelDeployment {metadata.namespace}/{metadata.name}: {self.words[0]}", *self.words[1:]]
        return "".join(f"# {line}\n" for line in head) + "".join(texts)

"""What a comparison of one resource found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moorage_operator.api.model_deployment import ModelDeployment
from moorage_operator.commands.comparison import Pair, text_of
from moorage_operator.commands.story import Renamed


@dataclass(frozen=True, slots=True)
class Report:
    """`words`: what the change means; `pairs`: objects that may differ; `renamed`: revisions and those that follow."""

    owner: ModelDeployment
    words: Sequence[str]
    pairs: Sequence[Pair]
    renamed: Renamed = ()

    def __str__(self) -> str:
        """The words as comments, then the diffs; empty when nothing differs."""
        texts = [text for pair in self.pairs if (text := text_of(pair, self.renamed))]
        if not texts and not self.renamed:
            return ""
        metadata = self.owner.metadata
        head = [f"ModelDeployment {metadata.namespace}/{metadata.name}: {self.words[0]}", *self.words[1:]]
        return "".join(f"# {line}\n" for line in head) + "".join(texts)

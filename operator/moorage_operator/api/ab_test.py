"""An A/B test: several models at once, each with its share of the clients."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from moorage_operator.api.frozen import Frozen, cel, checked, keyed
from moorage_operator.api.model import Model
from moorage_operator.api.rollout import HeaderName

_ArmName = Annotated[str, Field(min_length=1, max_length=30)]
_IS_NAME = cel(
    "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && !(self in ['stable', 'candidate', 'shadow', 'retiring', 'arm'])",
    "name must begin with a lower-case letter, be made of lower-case letters, digits and '-', and not be stable, "
    "candidate, shadow, retiring or arm",
)


class Arm(Frozen):
    """One variant beside spec.model."""

    name: _ArmName = Field(json_schema_extra=checked(_IS_NAME))
    """Name of the arm, for example b; clients may ask for it with x-model-version."""
    model: Model
    """The model that answers this arm's clients."""
    percent: Annotated[int, Field(ge=1, le=99)]
    """Percent of the clients, for example 50; spec.model answers the rest."""


class ABTest(Frozen):
    """Splits clients by a hash of a header: the same client gets the same arm from every pod, for ever."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            cel(
                "self.arms.map(a, a.percent).sum() <= 99",
                "the arms' percent must not exceed 99 together: spec.model answers the rest",
                path=".arms",
            ),
            cel(
                "!has(self.winner) || self.winner == 'stable' || self.arms.exists(a, a.name == self.winner)",
                "winner must be the name of an arm, or stable for spec.model",
                path=".winner",
            ),
        )
    )

    header: HeaderName
    """Header whose value names the client, for example x-user-id. Requests without it are split at random."""
    salt: Annotated[str, Field(max_length=128)] = ""
    """Mixed into the hash: another salt is another assignment, the same salt repeats it. Example: exp-1. Default:
    none."""
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=8)] = Field(json_schema_extra=keyed("name"))
    """The variants beside spec.model."""
    winner: Annotated[str, Field(max_length=30)] | None = None
    """Ends the test: this arm, or stable for spec.model, answers everybody. To make an arm's model the stable one, name
    it in spec.model. Default: the test goes on."""

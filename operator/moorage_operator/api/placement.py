"""Placement of pods as Kubernetes words it: shapes for the schema alone; the operator copies such parts unread."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from moorage_operator.api.frozen import ATOMIC, Frozen, Label, LabelKey

_Weight = Annotated[int, Field(ge=1, le=100)]
_Values = Annotated[tuple[Annotated[str, Field(max_length=253)], ...], Field(max_length=64)]


class LabelSelectorRequirement(Frozen):
    """One demand on a label."""

    key: LabelKey
    """Key of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label is compared with values."""
    values: _Values | None = Field(default=None, json_schema_extra=ATOMIC)
    """Values for In and NotIn; absent for Exists and DoesNotExist."""


class LabelSelector(Frozen):
    """Selects objects by their labels; all demands must hold."""

    match_labels: Annotated[dict[str, Label], Field(max_length=16)] | None = None
    """Labels that must have exactly these values."""
    match_expressions: Annotated[tuple[LabelSelectorRequirement, ...], Field(max_length=16)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Demands on single labels."""


class PodAffinityTerm(Frozen):
    """Pods of this namespace, and the part of the cluster that counts as the same place."""

    topology_key: LabelKey
    """Label of nodes whose equal values make one place, for example topology.kubernetes.io/zone."""
    label_selector: LabelSelector | None = None
    """The pods that are meant."""
    match_label_keys: Annotated[tuple[LabelKey, ...], Field(max_length=8)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Keys whose values are taken from the pod itself, for example moorage.dev/revision."""


class WeightedPodAffinityTerm(Frozen):
    """A wish about other pods, and its weight."""

    weight: _Weight
    """1 to 100; higher counts more."""
    pod_affinity_term: PodAffinityTerm
    """The wish."""


class PodAffinity(Frozen):
    """Demands and wishes about other pods."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PodAffinityTerm, ...], Field(max_length=8)] | None
    ) = Field(default=None, json_schema_extra=ATOMIC)
    """Demands: a pod that cannot meet them stays Pending."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[WeightedPodAffinityTerm, ...], Field(max_length=8)] | None
    ) = Field(default=None, json_schema_extra=ATOMIC)
    """Wishes: met where possible."""


class NodeSelectorRequirement(Frozen):
    """One demand on a node's label or field."""

    key: LabelKey
    """Key of the label, or name of the field."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How it is compared with values."""
    values: _Values | None = Field(default=None, json_schema_extra=ATOMIC)
    """Values for In, NotIn, Gt and Lt; absent for Exists and DoesNotExist."""


class NodeSelectorTerm(Frozen):
    """Demands on one node; all must hold."""

    match_expressions: Annotated[tuple[NodeSelectorRequirement, ...], Field(max_length=16)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Demands on the node's labels."""
    match_fields: Annotated[tuple[NodeSelectorRequirement, ...], Field(max_length=4)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Demands on the node's fields, for example metadata.name."""


class NodeSelector(Frozen):
    """A node fits when at least one of the terms holds."""

    node_selector_terms: Annotated[tuple[NodeSelectorTerm, ...], Field(min_length=1, max_length=8)] = Field(
        json_schema_extra=ATOMIC
    )
    """The terms, of which one must hold."""


class PreferredSchedulingTerm(Frozen):
    """A wish about nodes, and its weight."""

    weight: _Weight
    """1 to 100; higher counts more."""
    preference: NodeSelectorTerm
    """The wish."""


class NodeAffinity(Frozen):
    """Demands and wishes about nodes."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    """Demand: a pod that cannot meet it stays Pending."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PreferredSchedulingTerm, ...], Field(max_length=8)] | None
    ) = Field(default=None, json_schema_extra=ATOMIC)
    """Wishes: met where possible."""


class Affinity(Frozen):
    """Rules that draw the pods to nodes, to other pods, or away from them."""

    node_affinity: NodeAffinity | None = None
    """Nodes that the pods need or like."""
    pod_affinity: PodAffinity | None = None
    """Pods whose neighbourhood is needed or liked."""
    pod_anti_affinity: PodAffinity | None = None
    """Pods whose neighbourhood is avoided."""


class TopologySpreadConstraint(Frozen):
    """How evenly the pods lie over one kind of place."""

    max_skew: Annotated[int, Field(ge=1, le=1000)]
    """By how many pods two places may differ, for example 1."""
    topology_key: LabelKey
    """Label of nodes whose equal values make one place, for example topology.kubernetes.io/zone."""
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    """What happens to a pod that would break the rule."""
    label_selector: LabelSelector | None = None
    """The pods that are counted."""
    min_domains: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Places that must exist before the skew counts; only with DoNotSchedule."""
    match_label_keys: Annotated[tuple[LabelKey, ...], Field(max_length=8)] | None = Field(
        default=None, json_schema_extra=ATOMIC
    )
    """Keys whose values are taken from the pod itself, for example moorage.dev/revision."""
    node_affinity_policy: Literal["Honor", "Ignore"] | None = None
    """Whether nodes that the pods may not use are left out of the count. Default: Honor."""
    node_taints_policy: Literal["Honor", "Ignore"] | None = None
    """Whether tainted nodes that the pods do not tolerate are left out of the count. Default: Ignore."""

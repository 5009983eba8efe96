"""ArtifactReady: was the wanted artifact downloaded and verified?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, blamed, true, unknown


def judge(evidence: Evidence) -> Verdict:
    """True once a pod has fetched and verified the artifact, whether or not the model then loads."""
    generation = evidence.owner.metadata.generation
    problem = evidence.problems.download or evidence.problems.resolution
    if problem is not None:
        return blamed(problem, generation)
    newest = evidence.newest
    if evidence.wanted is None or newest is None:
        return unknown(Reason.RESOLVING, "It is not known yet which artifact is meant.", generation)
    digest = newest.digest if newest.ready else evidence.fetched
    if digest is None:
        message = f"No pod has fetched version {newest.version} from {newest.artifact_uri} yet."
        return unknown(Reason.DOWNLOADING, message, generation)
    return true(Reason.VERIFIED, f"Version {newest.version} is {digest}.", generation)

"""ArtifactReady: was the wanted artifact downloaded and verified?"""

from __future__ import annotations

from moorage_operator.api.conditions import Reason
from moorage_operator.judge.evidence import Evidence
from moorage_operator.judge.verdict import Verdict, blamed, true, unknown


def judge(evidence: Evidence) -> Verdict:
    """True once a pod answered with the artifact and its digest is pinned."""
    generation = evidence.owner.metadata.generation
    problem = evidence.problems.download or evidence.problems.resolution
    if problem is not None:
        return blamed(problem, generation)
    newest = evidence.newest
    if evidence.wanted is None or newest is None:
        return unknown(Reason.RESOLVING, "It is not known yet which artifact is meant.", generation)
    if newest.digest is None or not newest.ready:
        message = f"No pod has loaded version {newest.version} from {newest.artifact_uri} yet."
        return unknown(Reason.DOWNLOADING, message, generation)
    return true(Reason.VERIFIED, f"Version {newest.version} is {newest.digest}.", generation)

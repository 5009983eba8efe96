"""What a candidate waits for, in a sentence: without numbers that move with every look."""

from __future__ import annotations

from datetime import timedelta

from moorage_operator.api.step import Progress, Scene

FROZEN = "The rollout is paused by spec.rollout.paused or by annotation."
FAILS = "The last judgement was Fail: it gets no more until one is Pass."
AGAIN = "The steps were changed: the share that it has is judged before it gets more."
STUCK = "The step could not be judged within rollout.maxHold, and analysis.onInconclusive is hold."
DARK = "The version that serves answers nobody."


def unjudged(scene: Scene, beyond: float | None) -> str:
    """The hold is over, and nobody says Pass. `beyond`: seconds beyond maxHold, None when it is judged."""
    if beyond is None:
        return "The hold is over, but the last judgement was Fail: status.rollout.judgement says why."
    ends = (scene.now - timedelta(seconds=beyond)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return (
        "The hold is over, but it cannot be judged yet: status.rollout.judgement says what is missing. At "
        f"{ends} rollout.maxHold is over; then analysis.onInconclusive ({scene.plan.on_inconclusive}) decides."
    )


def approval(scene: Scene, candidate: str, progress: Progress) -> str:
    """The pause of a person's: what to annotate."""
    value, waits = f"{candidate}@{progress.step}", f"Step {progress.step} waits for a person"
    if scene.intents.promote == value:
        return (
            f"{waits}: moorage.dev/promote={value} stands there since an earlier time; remove it first "
            "(annotate moorage.dev/promote-), then set it again."
        )
    return f"{waits}: annotate moorage.dev/promote={value} to go on."

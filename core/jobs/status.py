"""How a job is doing, in the words and numbers that a page shows."""

from dataclasses import dataclass
from typing import Any, Literal

from core.events import Failed, Finished, PhaseStarted, Progress, Skipped, Step, Stopped, Validated
from core.jobs.summary import JobSummary

State = Literal["queued", "running", "stopping", "stopped", "failed", "finished", "interrupted"]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What a page shows about a job. Everything in it is derived; nothing is stored."""

    state: State
    sentence: str
    """The state in one plain sentence."""
    kind: str = ""
    """As in core.jobs.kinds; empty for a folder that was never submitted."""
    place: int | None = None
    """Place in the queue: 1 is next. None when the job does not wait."""
    phase: str = ""
    """What is going on, in plain words."""
    fraction: float | None = None
    """Share of the present phase of the work that is done, 0 to 1; None when it is not known."""
    progress: Progress | None = None
    """The newest countable work."""
    step: int = 0
    of: int = 0
    seconds_left: float | None = None
    curve: tuple[Step, ...] = ()
    """One point a step, in order, also when steps were repeated after a crash."""
    watched: tuple[Validated, ...] = ()
    phases: tuple[PhaseStarted, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    understanding: dict[str, Any] | None = None
    """Of an import, as core.dataset.ingest.understanding.Understanding.to_dict writes it."""
    seconds: float | None = None
    """Working time of a finished job."""
    result: dict[str, Any] | None = None
    can_resume: bool = False
    """Whether it ended early and may go well from here: it was stopped, or what hindered it lies
    outside."""

    @property
    def active(self) -> bool:
        """Whether anything may still happen without somebody pressing a button."""
        return self.state in ("queued", "running", "stopping", "interrupted")


def describe(
    known: JobSummary, state: State, kind: str, place: int | None = None, alive: bool = True
) -> JobStatus:
    """The status that these events amount to, for a job that is in this state.

    `alive`: whether there is a worker that could take it.
    """
    current, last = known.current, known.ended
    newest = max(known.steps, default=0)
    step = known.steps.get(newest)
    return JobStatus(
        state=state,
        sentence=_sentence(known, state, place, alive),
        kind=kind,
        place=place,
        phase=_phase(known),
        fraction=_fraction(current),
        progress=known.progress,
        step=newest,
        of=step.of if step else 0,
        seconds_left=current.seconds_left if isinstance(current, Step | Progress) else None,
        curve=tuple(known.steps[number] for number in sorted(known.steps)),
        watched=tuple(known.watched[number] for number in sorted(known.watched)),
        phases=tuple(known.phases[index] for index in sorted(known.phases)),
        notes=tuple(known.notes),
        skipped=tuple(known.skipped.values()),
        understanding=known.understanding,
        seconds=last.seconds if isinstance(last, Finished) else None,
        result=last.result if isinstance(last, Finished) else None,
        can_resume=_can_resume(state, last),
    )


def _can_resume(state: State, last: Finished | Failed | Stopped | None) -> bool:
    match last:
        case Failed(may_go_well=may_go_well) if state == "failed":
            return may_go_well
        case _:
            return state in ("failed", "stopped")


def _phase(known: JobSummary) -> str:
    match known.current:
        case Progress(what=what):
            return what
        case PhaseStarted(title=title):
            return title
        case Step():
            return known.phases[max(known.phases)].title if known.phases else "Training"
        case _:
            return ""


def _fraction(current: Progress | PhaseStarted | Step | None) -> float | None:
    match current:
        case Progress(done=done, total=of) | Step(step=done, of=of) if of > 0:
            return min(1.0, done / of)
        case _:
            return None


def _sentence(known: JobSummary, state: State, place: int | None, alive: bool) -> str:
    match state:
        case "queued" if not alive:
            return "Waiting for the training worker to start."
        case "queued" if place is not None and place > 1:
            return f"Waiting: {place - 1} ahead in the queue."
        case "queued":
            return "Waiting: next in the queue."
        case "running":
            return _phase(known) or "Getting ready."
        case "stopping":
            return "Stopping: saving what has been learned so far."
        case "interrupted":
            return "Interrupted: it resumes as soon as the training worker is back."
        case _:
            return _last_sentence(known, state)


def _last_sentence(known: JobSummary, state: State) -> str:
    match known.ended:
        case Finished(seconds=seconds):
            return f"Finished in {_duration(seconds)}."
        case Failed(sentence=sentence) if state == "failed":
            return sentence
        case Stopped(step=step, of=of) if state == "stopped" and of > 0:
            return f"Stopped at step {step} of {of}. You can resume it at any time."
        case _ if state == "stopped":
            return "Stopped. You can resume it at any time."
        case _:
            return (
                "The outcome could not be saved, most likely because the disk is full. Free "
                "some space, then try again."
            )


def _duration(seconds: float) -> str:
    if seconds < 2:
        return "a moment"
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"

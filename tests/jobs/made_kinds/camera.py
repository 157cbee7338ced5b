"""The same counting for as long as somebody looks."""

from core.jobs.kinds.count import Args, run

from core.jobs.kinds import JobKind

KIND = JobKind("camera", Args, run, queue="live")

"""The same counting for somebody who waits for it."""

from core.jobs.kinds.count import Args, run

from core.jobs.kinds import JobKind

KIND = JobKind("quick", Args, run)

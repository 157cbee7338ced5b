"""Jobs that outlive the page, the web process and the worker: hand in, stop, resume, ask."""

from core.jobs.engine import open_queue
from core.jobs.queue import job_folder, new_job, read_events, resume, status, stop, submit
from core.jobs.status import JobStatus, State

__all__ = [
    "JobStatus",
    "State",
    "job_folder",
    "new_job",
    "open_queue",
    "read_events",
    "resume",
    "status",
    "stop",
    "submit",
]

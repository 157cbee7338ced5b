"""Who works on a folder. The operating system drops a lock with its holder, even on kill -9."""

from pathlib import Path

from filelock import FileLock, Timeout

from core.jobs.folder import lock_file


def job_lock(folder: Path) -> FileLock:
    """Held by the one process that works on a job: no two may write the same checkpoint."""
    return FileLock(lock_file(folder), thread_local=False)


def worker_lock(home: Path) -> FileLock:
    """Held by the one worker of a home for as long as it lives."""
    return FileLock(home / "worker.lock", thread_local=False)


def is_held(lock: FileLock) -> bool:
    """Whether somebody holds the lock right now."""
    if not Path(lock.lock_file).parent.is_dir():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def worker_alive(home: Path) -> bool:
    """Whether a worker serves this home."""
    return is_held(worker_lock(home))

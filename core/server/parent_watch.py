"""Run a module as a program that ends when its parent does.

`python -m core.server.parent_watch MODULE ARG…`

The parent keeps the other end of our standard input. The operating system closes it when the
parent ends, be it by kill -9, and then this process is asked to end in good order.
"""

import os
import runpy
import signal
import sys
import threading

from core.process import begin

_PATIENCE = 10.0


def main() -> None:
    """Begin as every process of ours, tie it to its parent, then become the module."""
    begin()
    threading.Thread(target=_end_with_parent, daemon=True, name="tied").start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main()

"""The command line as a program of its own: what `.venv/bin/graft` runs, from any folder."""

import sys

from core.__main__ import main

if __name__ == "__main__":
    sys.exit(main())

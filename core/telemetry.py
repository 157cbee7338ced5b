"""Libraries that would report to their makers are told not to, before the first of them is loaded.

Imported by the package itself, so that nothing of `core` can load a library earlier.
"""

import os
import sys

_ON = ("1", "true", "t", "yes", "y", "on")


def silence() -> None:
    """Keep every library of this process, and of those it starts, from reporting anything."""
    # OpenVINO opens a connection to an analytics service when it is loaded and at each conversion,
    # and leaves a client id in the user's home. Without this module it uses its own silent stub.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # what makes imports fail
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
    if os.environ.get("GRAFT_OFFLINE", "").lower() in _ON:
        # Graft asks no hub then; a library that would do so by itself must not either.
        os.environ["HF_HUB_OFFLINE"] = "1"


silence()

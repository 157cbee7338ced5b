"""Times as the clock beside the browser shows them."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def when(seconds: float) -> str:
    """A day and a time, of seconds since 1970."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return f"{datetime.fromtimestamp(seconds, zone):%d %b %Y, %H:%M}"

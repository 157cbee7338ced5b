"""Tells whoever has sockets open, or remembers who was signed in, that somebody was signed out.

Within this process at once; other processes see it in the database (`core.people.actors`).
"""

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def listen(listener: Callable[[], None]) -> None:
    """Call this, from whatever thread, whenever somebody is signed out."""
    if listener not in _listeners:
        _listeners.append(listener)


def forget(listener: Callable[[], None]) -> None:
    """Call it no more. Harmless to repeat."""
    if listener in _listeners:
        _listeners.remove(listener)


def revoked() -> None:
    """Somebody was signed out just now; the database says so already."""
    for listener in list(_listeners):
        listener()

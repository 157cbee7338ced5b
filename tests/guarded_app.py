"""Graft's routes behind its guard, as the web server has them, without Streamlit."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.settings import Settings
from core.web.middleware import Guard
from core.web.people import People
from core.web.routes import routes


def guarded_app(settings: Settings, host: str = "testserver") -> Starlette:
    """To be asked at http://testserver, or under this name."""
    stack = [Middleware(Guard, allowed_hosts=[host], path=settings.path)]
    if settings.login != "none":
        stack.append(Middleware(People, settings=settings))
    return Starlette(routes=routes(settings), middleware=stack)

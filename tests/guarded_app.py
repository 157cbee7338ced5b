"""Graft's routes behind its guard, as the web server has them, without Streamlit."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.settings import Settings
from core.web.middleware import Guard
from core.web.routes import routes


def guarded_app(settings: Settings) -> Starlette:
    """To be asked at http://testserver."""
    guard = Middleware(Guard, allowed_hosts=["testserver"], path=settings.path)
    return Starlette(routes=routes(settings), middleware=[guard])

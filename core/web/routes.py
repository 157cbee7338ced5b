"""Every address under /graft/, those for programs and probes, and those that pages once had."""

from starlette.routing import Route

from core.settings import Settings
from core.web.api import api_routes
from core.web.downloads import Downloads
from core.web.health import Readiness, alive
from core.web.images import Images
from core.web.languages import language
from core.web.live import LiveCamera
from core.web.metrics import Metrics
from core.web.moved import moved
from core.web.paths import below
from core.web.receiving import Receiver
from core.web.sign_in import SignIn


def routes(settings: Settings) -> list[Route]:
    """The routes that the app serves beside Streamlit's own, all below `settings.path`.

    Whoever probes this process itself finds it at the root, too.
    """
    readiness = Readiness(settings)
    probes = [
        Route("/healthz", alive),
        Route("/readyz", readiness.ready),
        Route("/metrics", Metrics(settings, readiness).__call__),
    ]
    own = [*_pages(settings), *probes, *moved(settings.path)]
    return own if not settings.path else [*(below(settings.path, each) for each in own), *probes]


def _pages(settings: Settings) -> list[Route]:
    images, downloads = Images(settings), Downloads(settings)
    camera = LiveCamera(settings)
    return [
        Route("/graft/upload/{upload_id}/{n}", Receiver(settings).__call__, methods=["PUT"]),
        Route("/graft/upload/{upload_id}/{n}", images.uploaded, methods=["GET"]),
        Route("/graft/image/{project}/{hash}", images.image),
        Route("/graft/thumb/{project}/{hash}", images.thumb),
        Route("/graft/field/{project}/{hash}", images.field),
        Route("/graft/sample/{name}", images.sample),
        Route("/graft/answer/{job_id}/{n}", downloads.thumbnail),
        Route("/graft/live/{id}", camera.begin, methods=["POST"]),
        Route("/graft/live/{id}", camera.frame, methods=["PUT"]),
        Route("/graft/live/{id}", camera.end, methods=["DELETE"]),
        Route("/graft/download/{job_id}", downloads.__call__),
        Route("/graft/page/{job_id}", downloads.page),
        *api_routes(settings),
        Route("/graft/language/{code}", language),
        *_of_people(settings),
    ]


def _of_people(settings: Settings) -> list[Route]:
    """Where people sign in; none where nobody does."""
    if settings.login == "none":
        return []
    pages = SignIn(settings)
    if settings.login != "oidc":
        return pages.routes()
    from core.web.oidc import ByProvider  # with the libraries that only this needs

    return [*ByProvider(settings, pages).routes(), *pages.routes()]

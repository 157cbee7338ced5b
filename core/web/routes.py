"""Every address under /graft/."""

from starlette.routing import Route

from core.settings import Settings
from core.web.downloads import Downloads
from core.web.languages import language
from core.web.pictures import Pictures
from core.web.receiving import Receiver


def routes(settings: Settings) -> list[Route]:
    """The routes that the app serves beside Streamlit's own."""
    pictures, downloads = Pictures(settings), Downloads(settings)
    return [
        Route("/graft/upload/{upload_id}/{n}", Receiver(settings).__call__, methods=["PUT"]),
        Route("/graft/upload/{upload_id}/{n}", pictures.uploaded, methods=["GET"]),
        Route("/graft/image/{hash}", pictures.image),
        Route("/graft/thumb/{hash}", pictures.thumb),
        Route("/graft/sample/{name}", pictures.sample),
        Route("/graft/answer/{job_id}/{n}", downloads.thumbnail),
        Route("/graft/download/{job_id}", downloads.__call__),
        Route("/graft/language/{code}", language),
    ]

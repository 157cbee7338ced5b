"""/graft/sign-in/oidc: to the provider and back.

What the way back has to fit to (state, nonce, PKCE's verifier) travels in a cookie of ten minutes,
so that any web process can finish what another began.
"""

import base64
import hmac
import json
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.errors import GraftError, NotAllowed
from core.people import sign_ins
from core.people.addresses import public_address
from core.people.oidc import Provider
from core.settings import Settings
from core.web import cookies
from core.web.plain_page import language_of, page
from core.web.sign_in import HERE, SignIn, keep_sign_in, safe_onward

COOKIE = "graft_oidc"
_SECONDS = 600.0


class ByProvider:
    """The routes of signing in by OpenID Connect."""

    def __init__(self, settings: Settings, pages: SignIn) -> None:
        self._settings = settings
        self._pages = pages
        self._provider = Provider(settings)

    def routes(self) -> list[Route]:
        """Both."""
        return [
            Route(f"{HERE}/oidc", self.start, methods=["GET"]),
            Route(f"{HERE}/oidc/callback", self.back, methods=["GET"]),
        ]

    def start(self, request: Request) -> Response:
        """To the provider."""
        onward = safe_onward(request.query_params.get("next", ""))
        try:
            begun = self._provider.start(self._back_to(request))
        except GraftError as error:
            return self._pages.show(request, str(error), HTTPStatus.BAD_GATEWAY)
        kept = {
            "state": begun.state,
            "nonce": begun.nonce,
            "verifier": begun.verifier,
            "next": onward,
        }
        answer = RedirectResponse(
            begun.address, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"}
        )
        value = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")
        https = cookies.by_https(request.scope, self._settings)
        cookies.keep(answer, COOKIE, value, seconds=_SECONDS, https=https, lax=True)
        return answer

    async def back(self, request: Request) -> Response:
        """From the provider, with a code to be exchanged for its word."""
        return await run_in_threadpool(self._back, request)

    def _back(self, request: Request) -> Response:
        kept = _kept(cookies.read(request.headers, COOKIE))
        try:
            state = request.query_params.get("state", "")
            code = request.query_params.get("code", "")
            fits = hmac.compare_digest(state.encode(), kept.get("state", "").encode())
            if not fits or not state or not code:
                raise NotAllowed("This sign-in was not finished here. Sign in again.")
            user = self._provider.finish(
                code, self._back_to(request), nonce=kept["nonce"], verifier=kept["verifier"]
            )
        except GraftError as error:
            answer = self._pages.failed(request, error)
            cookies.drop(answer, COOKIE)
            return answer
        before = cookies.read(request.headers, cookies.SIGN_IN)
        secret = sign_ins.begin(user, instead_of=before)
        # A redirect would go on from the provider's site, and the browser would keep back the
        # cookie that it is given here; from a page of ours it brings it.
        onward = safe_onward(kept.get("next", ""))
        answer = page(language_of(request.headers), "Sign in", "", onward=onward)
        keep_sign_in(answer, secret, request, self._settings)
        cookies.drop(answer, COOKIE)
        return answer

    def _back_to(self, request: Request) -> str:
        """The address that the provider leads back to, which has to be registered there."""
        if self._settings.public_address:
            return f"{public_address(self._settings)}{HERE}/oidc/callback"
        secure = cookies.by_https(request.scope, self._settings)
        host = request.headers["host"]
        here = f"{'https' if secure else 'http'}://{host}{self._settings.path}"
        return f"{here}{HERE}/oidc/callback"


def _kept(cookie: str) -> dict[str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)))
    except ValueError:
        return {}
    words = ("state", "nonce", "verifier", "next")
    if not isinstance(found, dict) or not all(isinstance(found.get(each), str) for each in words):
        return {}
    return {each: found[each] for each in words}

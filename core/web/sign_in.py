"""/graft/sign-in: the pages on which people sign in and out and set passwords; and the page of a
shared link. Everything works without a script; `core.web.people` checks where forms come from.
"""

import asyncio
import re
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.access import Actor, acting, may
from core.errors import BadInput, GraftError, NotAllowed, NotFound
from core.people import links, sign_ins, users
from core.people.actors import look_up
from core.people.users import User
from core.projects.people_tables import digest_of
from core.settings import Settings
from core.web import cookies
from core.web.paths import address, home
from core.web.plain_page import language_of, page
from core.web.sign_in_forms import (
    account_form,
    bare_form,
    changing_form,
    paragraph,
    password_form,
)

HERE = "/graft/sign-in"
"""Of the routes, which are put below `settings.path` like all others."""
_MOST_BYTES = 64 * 1024
_FORM_SECONDS = 30.0
_ONWARD = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")
_SHARED_FOR = 30 * 24 * 3600.0
_STATUS: dict[type[GraftError], HTTPStatus] = {
    NotAllowed: HTTPStatus.FORBIDDEN,
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
}


class SignIn:
    """The pages of one server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(HERE, self.show, methods=["GET"]),
            Route(HERE, self.sign_in, methods=["POST"]),
            Route(f"{HERE}/out", self.ask_out, methods=["GET"]),
            Route(f"{HERE}/out", self.sign_out, methods=["POST"]),
            Route(f"{HERE}/password", self.show_change, methods=["GET"]),
            Route(f"{HERE}/password", self.change, methods=["POST"]),
            Route(HERE + "/{purpose:str}/{secret}", self.show_link, methods=["GET"]),
            Route(HERE + "/{purpose:str}/{secret}", self.use_link, methods=["POST"]),
            Route("/graft/share/{secret}", self.show_share, methods=["GET"]),
            Route("/graft/share/{secret}", self.use_share, methods=["POST"]),
        ]

    def show(self, request: Request, wrong: str = "", status: HTTPStatus = HTTPStatus.OK,
             name: str = "", onward: str = "") -> Response:  # fmt: skip
        """Where one signs in; whoever has, is led on."""
        onward = onward or safe_onward(request.query_params.get("next", ""))
        if acting().id:
            return RedirectResponse(onward, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        language = language_of(request.headers)
        if request.method in ("GET", "HEAD") and _from_elsewhere(request):
            # A link on another site led here, so the browser has kept its cookie back. Of its own
            # accord it comes again from this page, and brings it.
            again = f"{here()}?{urlencode({'next': onward})}"
            return page(language, "Sign in", "", onward=again)
        body = account_form(language, self._settings.login, name, onward, wrong)
        return page(language, "Sign in", body, status=status)

    async def sign_in(self, request: Request) -> Response:
        """Take a name and a password."""
        form = await form_of(request)
        return await run_in_threadpool(self._sign_in, request, form)

    def _sign_in(self, request: Request, form: dict[str, str]) -> Response:
        name, onward = form.get("name", ""), safe_onward(form.get("next", ""))
        try:
            if self._settings.login != "password":
                raise NotAllowed("Passwords are not used on this server.")
            user = users.by_password(name, form.get("password", ""), address_of(request))
        except GraftError as error:
            return self.show(request, str(error), _status(error), name, onward)
        return self.signed_in(request, user, onward)

    def signed_in(self, request: Request, user: User, onward: str) -> Response:
        """Lead on, with a new sign-in in the browser's cookie."""
        before = cookies.read(request.headers, cookies.SIGN_IN)
        secret = sign_ins.begin(user, instead_of=before)
        answer = RedirectResponse(onward, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        keep_sign_in(answer, secret, request, self._settings)
        return answer

    def failed(self, request: Request, error: GraftError) -> Response:
        """Why a sign-in came to nothing, with the way to try again."""
        language = language_of(request.headers)
        body = account_form(language, self._settings.login, "", home(), str(error))
        return page(language, "Sign in", body, status=_status(error))

    def ask_out(self, request: Request) -> Response:
        """A page with one button: a mere address must sign nobody out."""
        language = language_of(request.headers)
        return page(language, "Sign out", bare_form(language, "Sign out"))

    def sign_out(self, request: Request) -> Response:
        """End this browser's sign-in."""
        cookie = cookies.read(request.headers, cookies.SIGN_IN)
        if cookie:
            sign_ins.end(digest_of(cookie))
        answer = RedirectResponse(here(), HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        cookies.drop(answer, cookies.SIGN_IN)
        cookies.drop(answer, cookies.SHARE)
        return answer

    def show_change(
        self, request: Request, wrong: str = "", status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        """Where a person who is signed in changes her password."""
        if not self._changeable(acting()):
            return RedirectResponse(here(), HTTPStatus.SEE_OTHER)
        language = language_of(request.headers)
        form = changing_form(language, acting().name, wrong)
        return page(language, "Change the password", form, status=status)

    async def change(self, request: Request) -> Response:
        """Take the old and the new one; every other browser of hers is signed out."""
        form = await form_of(request)
        return await run_in_threadpool(self._change, request, form)

    def _change(self, request: Request, form: dict[str, str]) -> Response:
        actor = acting()
        if not self._changeable(actor):
            return RedirectResponse(here(), HTTPStatus.SEE_OTHER)
        try:
            new = _same_twice(form)
            old = form.get("old", "")
            users.change_password(actor.id, old, new, address_of(request))
        except GraftError as error:
            return self.show_change(request, str(error), _status(error))
        return self.signed_in(request, users.named(actor.name), home())

    def _changeable(self, actor: Actor) -> bool:
        return self._settings.login == "password" and bool(actor.id) and actor.actions is None

    def show_link(self, request: Request, wrong: str = "", status: HTTPStatus = HTTPStatus.OK,
                  name: str = "") -> Response:  # fmt: skip
        """What a link to set a password shows; looking at it uses nothing up."""
        language = language_of(request.headers)
        try:
            link = links.look_at(request.path_params["secret"])
            if link.purpose != request.path_params["purpose"]:
                raise NotFound("There is no page at this address.")
        except GraftError as error:
            return _sentence(language, error)
        if link.purpose == links.SET_UP:
            form = password_form(language, "Make this account", name, wrong, choose_name=True)
            return page(language, "Make the first account", form, status=status)
        form = password_form(language, "Set the password", link.name, wrong)
        return page(language, "Set your password", form, status=status)

    async def use_link(self, request: Request) -> Response:
        """Set the password, and be signed in."""
        form = await form_of(request)
        return await run_in_threadpool(self._use_link, request, form)

    def _use_link(self, request: Request, form: dict[str, str]) -> Response:
        secret, name = request.path_params["secret"], form.get("name", "")
        try:
            if links.look_at(secret).purpose != request.path_params["purpose"]:
                raise NotFound("There is no page at this address.")
            user = links.use(secret, _same_twice(form), name)
        except NotFound as error:
            return _sentence(language_of(request.headers), error)
        except GraftError as error:
            return self.show_link(request, str(error), _status(error), name)
        return self.signed_in(request, user, home())

    def show_share(self, request: Request) -> Response:
        """What a shared link shows first: programs that look at links ahead use nothing."""
        language, actor = language_of(request.headers), acting()
        shared = look_up(f"share:{digest_of(request.path_params['secret'])}")
        if shared is None:
            return _sentence(language, NotFound(_SHARED_NO_MORE))
        if actor.id and may(actor, "look", shared.project):
            return RedirectResponse(_place(shared), HTTPStatus.SEE_OTHER)
        if actor.id:
            return page(language, "A shared project", paragraph(language, _SIGNED_IN_ALREADY))
        body = paragraph(language, _SHARED) + bare_form(language, "Open the project")
        return page(language, "A shared project", body)

    def use_share(self, request: Request) -> Response:
        """Keep the link in the browser's cookie, and lead to the project."""
        secret = request.path_params["secret"]
        shared = look_up(f"share:{digest_of(secret)}")
        if shared is None:
            return _sentence(language_of(request.headers), NotFound(_SHARED_NO_MORE))
        answer = RedirectResponse(_place(shared), HTTPStatus.SEE_OTHER)
        https = cookies.by_https(request.scope, self._settings)
        cookies.keep(answer, cookies.SHARE, secret, seconds=_SHARED_FOR, https=https)
        return answer


_SHARED = "Somebody shared a project with you. You need no account to see it."
_SHARED_NO_MORE = "This link has expired, or was taken back. Ask whoever sent it for another one."
_SIGNED_IN_ALREADY = (
    "You are signed in, but not in this project. Ask one of its owners to add you, or sign out and "
    "open the link again."
)


def keep_sign_in(answer: Response, secret: str, request: Request, settings: Settings) -> None:
    """Have the browser keep its sign-in."""
    https = cookies.by_https(request.scope, settings)
    cookies.keep(answer, cookies.SIGN_IN, secret, seconds=sign_ins.MOST_SECONDS, https=https)


def here() -> str:
    """Where a browser finds these pages."""
    return address("sign-in")


def safe_onward(wanted: str) -> str:
    """Where to go after signing in: an address of this server, whatever was asked for."""
    parts = urlsplit(wanted) if _ONWARD.fullmatch(wanted) else None
    if parts is None or parts.scheme or parts.netloc or parts.path.startswith(here()):
        return home()
    return wanted if parts.path.startswith(home()) else home()


def address_of(request: Request) -> str:
    """Where a request is from, as far as is known."""
    return request.client.host if request.client else ""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form; empty for anything else."""
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MOST_BYTES:
                    return {}
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except (TimeoutError, ValueError):
        return {}


def _from_elsewhere(request: Request) -> bool:
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


def _same_twice(form: dict[str, str]) -> str:
    if form.get("new", "") != form.get("again", ""):
        raise BadInput("The two passwords differ. Type the same one twice.")
    return form.get("new", "")


def _place(shared: Actor) -> str:
    return f"{home()}images?{urlencode({'project': shared.project})}"


def _status(error: GraftError) -> HTTPStatus:
    return _STATUS.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE)


def _sentence(language: str, error: GraftError) -> Response:
    return page(language, "Sign in", paragraph(language, str(error)), status=_status(error))

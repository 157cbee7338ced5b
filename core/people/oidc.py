"""Signing in by OpenID Connect: the authorisation code flow with PKCE, state and nonce.

OpenID Connect Core 1.0, section 3.1; RFC 7636. The provider is found by its discovery document and
what it says is believed only with its signature. Who it vouches for gets in with an account that
knows this subject, or (once, and then bound to the subject) with one made for her verified e-mail
address, or with a new one where that address is in a domain of GRAFT_OIDC_DOMAINS.
"""

import hmac
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.errors import Hindered, NotAllowed
from core.people.users import User, add_vouched_for, bind, by_subject
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_ALGORITHMS = ["RS256", "PS256", "ES256"]
"""Signatures with a key pair: one by the shared secret, or none at all, is not taken."""
_KNOWN_FOR_SECONDS = 3600.0
_ANSWERS_WITHIN = 10.0
_SKEW_SECONDS = 60
_SCOPE = " ".join(("openid", "profile", "email"))
_AWAY = "The provider through which people sign in does not answer. Try again in a moment."
_NO = "The provider did not confirm who you are. Sign in again."


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in under way: where the browser goes, and what it has to bring back."""

    address: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """Whoever GRAFT_OIDC_ISSUER names. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._known: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._since = 0.0
        self._guard = threading.Lock()

    def start(self, back_to: str) -> Started:
        """Where to send the browser. Raises Hindered where the provider does not answer."""
        where = self._document()["authorization_endpoint"]
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        with self._client(back_to) as client:
            address, state = client.create_authorization_url(
                where, code_verifier=verifier, nonce=nonce
            )
        return Started(address, state, nonce, verifier)

    def finish(self, code: str, back_to: str, *, nonce: str, verifier: str) -> User:
        """Whoever the provider says it is. Raises NotAllowed, or Hindered."""
        token_address = self._document()["token_endpoint"]
        try:
            with self._client(back_to) as client:
                answer = client.fetch_token(token_address, code=code, code_verifier=verifier)
        except httpx.HTTPError as error:
            raise Hindered(_AWAY) from error
        except (AuthlibBaseError, ValueError) as error:
            _LOG.warning("The provider gave no token: %s", error)
            raise NotAllowed(_NO) from error
        return self._person(self._claims(str(answer.get("id_token", "")), nonce))

    def _client(self, back_to: str) -> OAuth2Client:
        return OAuth2Client(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret.get_secret_value(),
            scope=_SCOPE,
            redirect_uri=back_to,
            code_challenge_method="S256",
            timeout=_ANSWERS_WITHIN,
        )

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a token says, once its signature, issuer, audience, time and nonce are checked."""
        wanted = jwt.JWTClaimsRegistry(
            leeway=_SKEW_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = self._decoded(token)
            wanted.validate(claims)
        except (JoseError, ValueError) as error:
            _LOG.warning("The provider's token is not good: %s", error)
            raise NotAllowed(_NO) from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        other = claims.get("azp", None if several else self._settings.oidc_client_id)
        if other != self._settings.oidc_client_id or not isinstance(claims["sub"], str):
            raise NotAllowed(_NO)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise NotAllowed(_NO)
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        """Raises JoseError or ValueError, also after a second look for the key it is signed by."""
        try:
            return dict(jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError):
            return dict(jwt.decode(token, self._key_set(anew=True), algorithms=_ALGORITHMS).claims)

    def _person(self, claims: dict[str, Any]) -> User:
        subject = f"{self._issuer} {claims['sub']}"
        address = str(claims.get("email", "")).strip().lower()
        verified = claims.get("email_verified") is True and "@" in address
        known = by_subject(subject)
        if known is None and verified and (invited := by_subject(address)) is not None:
            known = bind(invited.id, subject)
        if known is None and verified and _domain(address) in self._settings.oidc_domain_names:
            known = add_vouched_for(str(claims.get("name") or address), subject)
        if known is None:
            raise NotAllowed("You have no account on this server. Ask an administrator for one.")
        if known.disabled_at is not None:
            raise NotAllowed("This account is disabled. Ask an administrator.")
        return known

    def _document(self) -> dict[str, Any]:
        with self._guard:
            if not self._known or time.monotonic() - self._since > _KNOWN_FOR_SECONDS:
                found = _fetched(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                if found.get("issuer") != self._issuer or not all(
                    isinstance(found.get(each), str) for each in needed
                ):
                    _LOG.warning("%s is not what GRAFT_OIDC_ISSUER says.", found.get("issuer"))
                    raise Hindered(_AWAY)
                self._known, self._keys, self._since = found, None, time.monotonic()
            return self._known

    def _key_set(self, *, anew: bool = False) -> KeySet:
        where = self._document()["jwks_uri"]
        with self._guard:
            if self._keys is None or anew:
                self._keys = KeySet.import_key_set(_fetched(where))  # type: ignore[arg-type]
            return self._keys


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _fetched(address: str) -> dict[str, Any]:
    try:
        answer = httpx.get(address, timeout=_ANSWERS_WITHIN).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        _LOG.warning("%s cannot be read: %s", address, error)
        raise Hindered(_AWAY) from error
    return answer if isinstance(answer, dict) else {}

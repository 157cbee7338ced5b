"""A tiny OpenID Connect provider on loopback: real HTTP, real codes, tokens signed with RSA.

Who signs in there is set on it, and so is what it gets wrong.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

CLIENT, CLIENT_SECRET = "graft", "s" * 40


class Provider:
    """Its state."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.signs_with: RSAKey | OctKey = self.key
        self.algorithm = "RS256"
        self.issuer = ""
        self.person: dict[str, object] = {"sub": "42", "name": "Anna"}
        self.changed: dict[str, object] = {}
        """Claims that the next tokens have instead of the right ones."""
        self.asked: dict[str, dict[str, str]] = {}
        """What was asked for with each code that is still good."""

    def rotate(self) -> None:
        """From now on another key."""
        self.key = self.signs_with = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})

    def authorise(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to: the person agreed."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.asked[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """An answer to a code, once, to the client that has its verifier and its secret."""
        shown = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        query = self.asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            query is None
            or query["code_challenge"] != challenge
            or query["redirect_uri"] != form.get("redirect_uri")
            or authorization != f"Basic {shown}"
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims = right | {"nonce": query["nonce"]} | self.person | self.changed
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.signs_with.kid}
        token = jwt.encode(header, claims, self.signs_with, algorithms=[self.algorithm])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs."""
    state = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            match urlsplit(self.path).path:
                case "/.well-known/openid-configuration":
                    self._answer(200, {
                        "issuer": state.issuer,
                        "authorization_endpoint": f"{state.issuer}/authorise",
                        "token_endpoint": f"{state.issuer}/token",
                        "jwks_uri": f"{state.issuer}/keys",
                    })  # fmt: skip
                case "/keys":
                    self._answer(200, KeySet([state.key]).as_dict(private=False))
                case _:
                    self._answer(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*state.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()

"""Whatever processes say to anybody but this machine, written down as it is tried.

Two nets, since each has holes: a proxy that the environment names, for clients that ask it; and
an audit hook in every Python process, for names looked up and connections made past the proxy.
"""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HOOK = """
import json, os, sys

WATCHED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
           "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
HERE = ("localhost", "", "0.0.0.0", "::", "::1", "None")

def write(**said):
    handle = os.open(os.environ["OUTWARD_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, json.dumps({"process": sys.orig_argv, **said}).encode() + b"\\n")
    os.close(handle)

def hook(event, args):
    if event not in WATCHED:
        return
    target = args[0] if event in ("socket.getaddrinfo", "socket.gethostbyname",
                                  "socket.gethostbyaddr", "socket.getnameinfo") else args[1]
    host = target[0] if isinstance(target, tuple) else target
    host = host.decode("utf-8", "replace") if isinstance(host, bytes) else str(host)
    unix = event in ("socket.connect", "socket.sendto") and not isinstance(target, tuple)
    if not unix and host not in HERE and not host.startswith("127."):
        write(event=event, host=host)

sys.addaudithook(hook)
write(event="started", host="")
"""


@dataclass(frozen=True)
class Outward:
    """What was tried, as far as it has come."""

    environment: dict[str, str]
    """For the processes that are watched."""
    log: Path
    asked: list[str]
    """What the proxy was asked for: `host:port`, or a whole address."""

    def past_the_proxy(self) -> list[dict[str, Any]]:
        """Look-ups and connections to other machines that no proxy was asked for."""
        return [entry for entry in self._entries() if entry["event"] != "started"]

    def watched(self) -> str:
        """The command lines of every process that was watched."""
        return "\n".join(" ".join(entry["process"]) for entry in self._entries())

    def _entries(self) -> list[dict[str, Any]]:
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        return [json.loads(line) for line in text.split("\n") if line]


@contextmanager
def watching(folder: Path) -> Iterator[Outward]:
    """Watch every process that starts with `environment`, and what those start."""
    asked: list[str] = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words = self.rfile.readline().decode("latin-1").split()
            asked.append(words[1] if len(words) > 1 else "?")
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    hook, user = folder / "hook", folder / "user"
    hook.mkdir()
    user.mkdir()
    (hook / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = f"http://127.0.0.1:{server.server_address[1]}"
        environment = {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
            **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            "OUTWARD_LOG": str(folder / "outward.jsonl"),
            "PYTHONPATH": str(hook),
            "HOME": str(user),
        }
        yield Outward(environment, folder / "outward.jsonl", asked)
        server.shutdown()

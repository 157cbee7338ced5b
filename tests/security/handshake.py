"""Asking a running server for a WebSocket, with whatever headers one likes."""

import http.client

from running_server import Server


def open_socket(server: Server, headers: dict[str, str], path: str = "/_stcore/stream") -> int:
    """The status that the server answers with: 101 when it opened the socket."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "streamlit",
    }
    for name, value in (asked | headers).items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        return connection.getresponse().status
    finally:
        connection.close()

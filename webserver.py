"""The web server behind `python -m core serve`: reads Streamlit's options as `streamlit run` does
(flags, STREAMLIT_ variables, .streamlit/config.toml), then serves app.py."""

import sys
from pathlib import Path
from typing import Any

import click
from streamlit import config
from streamlit.web import bootstrap
from streamlit.web.cli import configurator_options

from core.server.web import run
from core.settings import get_settings

_PING_SECONDS = 30


@click.command()
@configurator_options
def main(**flags: Any) -> None:
    """Serve app.py until a signal."""
    config._main_script_path = str(Path(__file__).with_name("app.py"))
    bootstrap.load_config_options(flags)
    sys.exit(run("app:app", get_settings(), uvicorn_options()))


def uvicorn_options() -> dict[str, Any]:
    """What Streamlit's options mean for uvicorn, as in Streamlit's own UvicornRunner."""
    ping = int(config.get_option("server.websocketPingInterval") or _PING_SECONDS)
    return {
        "host": config.get_option("server.address"),
        "port": int(config.get_option("server.port")),
        "ssl_certfile": config.get_option("server.sslCertFile"),
        "ssl_keyfile": config.get_option("server.sslKeyFile"),
        "ws_ping_interval": ping,
        "ws_ping_timeout": ping,
        "ws_max_size": int(config.get_option("server.maxMessageSize") * 1_000_000),
        "ws_per_message_deflate": bool(config.get_option("server.enableWebsocketCompression")),
    }


if __name__ == "__main__":
    main()

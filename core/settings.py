"""Every setting of the product, in one place. Each is an environment variable `GRAFT_<NAME>`."""

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import BadRecipe, HomeUnusable
from core.recipe import in_one_sentence

MiB = 1024 * 1024
GiB = 1024 * MiB


class Settings(BaseSettings):
    """What an administrator can decide. Read once, at start, from the environment."""

    model_config = SettingsConfigDict(env_prefix="GRAFT_", frozen=True, extra="forbid")

    home: Path = Field(
        default=Path.home() / ".graft",
        description="Folder for images, datasets, runs, caches and the built-in databases.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the metadata database; empty: SQLite in the home folder.",
    )
    queue_url: str = Field(
        default="",
        description="SQLAlchemy URL of the job queue; empty: SQLite in the home folder.",
    )
    store: str = Field(
        default="",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)?$",
        description="Where machines without a common disk keep images, datasets and runs: "
        "`s3://bucket/prefix` on any S3-compatible server, which the usual AWS_… variables name; "
        "needs PostgreSQL for both databases. Empty: the home folder alone.",
    )
    host: str = Field(default="127.0.0.1", description="The address the web server listens on.")
    port: int = Field(default=8501, ge=1, le=65535, description="The port of the web server.")
    path: str = Field(
        default="",
        pattern=r"^((/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+)?$",
        description="The path below which browsers find Graft behind a proxy that passes it on, "
        "such as `/graft-app`; empty: at the root.",
    )
    logs: Literal["plain", "json"] = Field(
        default="plain",
        description="How web app and worker log: plain lines, or one JSON object a line.",
    )
    allowed_hosts: str = Field(
        default="",
        description="More names, separated by commas, under which browsers may call this server, "
        "such as `graft.example.org` or the address of this machine; needed when GRAFT_HOST lets "
        "other machines in.",
    )
    public_address: str = Field(
        default="",
        description="The address at which people reach this server, such as "
        "`https://graft.example.org`; empty: http, GRAFT_HOST and GRAFT_PORT.",
    )
    login: Literal["none", "password", "proxy", "oidc"] = Field(
        default="none",
        description="How people sign in: `none` (everybody who reaches this server may do "
        "everything, so it must listen on this machine alone), `password`, `proxy` (a proxy in "
        "front says who it is) or `oidc` (an OpenID Connect provider does).",
    )
    proxy_header: str = Field(
        default="X-Forwarded-User",
        pattern=r"[A-Za-z0-9-]{1,60}",
        description="With GRAFT_LOGIN=proxy, the header that names the person.",
    )
    proxy_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What the proxy sends in X-Graft-Proxy-Secret, at least 32 characters; without "
        "it nothing that it says about the person is believed.",
    )
    oidc_issuer: str = Field(
        default="",
        description="With GRAFT_LOGIN=oidc, the provider's address, under which its "
        "`.well-known/openid-configuration` lies.",
    )
    oidc_client_id: str = Field(default="", description="How the provider calls this server.")
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="What this server shows to the provider."
    )
    oidc_domains: str = Field(
        default="",
        description="Domains, separated by commas: whoever has a verified e-mail address in one of "
        "them gets an account at the first sign-in. Empty: only people that `graft user add` made.",
    )
    max_connections: int = Field(
        default=1000, gt=0, description="Most open connections to the web server."
    )
    max_connections_per_address: int = Field(
        default=250,
        gt=0,
        description="Most of them from one address; behind a proxy, where all come from one, as "
        "many as GRAFT_MAX_CONNECTIONS.",
    )
    weights: Path | None = Field(
        default=None,
        description="A folder of local weights, one `<timm name>.safetensors` each.",
    )
    converted: Path | None = Field(
        default=None,
        description="A folder for networks converted to run faster on this machine, which several "
        "homes may share; empty: in the home folder.",
    )
    offline: bool = Field(default=False, description="Never connect to a model hub.")
    device: str = Field(
        default="auto", description="Where training runs: auto, cpu, cuda or cuda:<number>."
    )
    cpu_slots: int = Field(
        default=1,
        ge=1,
        le=64,
        description="How many trainings run at once on a machine without a GPU, each with an equal "
        "share of the processor's cores. On one with GPUs there is one for each.",
    )
    warm: bool = Field(
        default=True,
        description="Whether a worker gets ready before the first job comes: loads what jobs need, "
        "and converts the networks to run faster. Without, it takes some 600 MB less while it "
        "waits, and each job some seconds longer.",
    )
    machine: str = Field(
        default="",
        description="The name of this machine among those that share a home folder; empty: the "
        "first part of its host name.",
    )
    max_upload_bytes: int = Field(
        default=4 * GiB, gt=0, description="Largest uploaded file, counted as it arrives."
    )
    max_unpacked_bytes: int = Field(
        default=16 * GiB, gt=0, description="Most bytes unpacked from one archive."
    )
    min_free_bytes: int = Field(
        default=1 * GiB,
        ge=0,
        description="Uploads are refused if they would leave less than this free on the disk of "
        "the home folder.",
    )
    upload_idle_seconds: float = Field(
        default=60.0,
        gt=0,
        description="An upload that receives nothing for this long is dropped.",
    )
    max_entries: int = Field(
        default=50_000, gt=0, description="Most entries in one archive or folder."
    )
    max_file_bytes: int = Field(
        default=256 * MiB, gt=0, description="Largest single image file, counted while reading."
    )
    max_pixels: int = Field(
        default=100_000_000, gt=0, description="Most pixels in one image (width times height)."
    )
    max_reading_bytes: int = Field(
        default=768 * MiB,
        ge=256 * MiB,
        description="Most memory for reading one table or one large image, in a separate process.",
    )
    max_reading_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Most processor seconds for reading one table or one large image.",
    )
    max_images: int = Field(default=20_000, gt=0, description="Most images in one dataset.")
    max_table_bytes: int = Field(
        default=64 * MiB, gt=0, description="Largest table of labels, packed or unpacked."
    )
    max_table_rows: int = Field(default=200_000, gt=0, description="Most rows in one table.")
    max_table_columns: int = Field(default=200, gt=0, description="Most columns in one table.")
    import_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Folders on this server from which images may be imported: paths separated as "
        "in PATH, or a JSON list. Empty: none.",
    )
    stored_side: int = Field(
        default=1024,
        ge=64,
        description="Stored images have at most this many pixels on the longer side.",
    )

    max_field_answers: int = Field(
        default=20_000,
        gt=0,
        description="Most answers of models in use that are kept of one project, where people "
        "agreed to that; beyond it the oldest go.",
    )
    max_field_bytes: int = Field(
        default=1 * GiB,
        gt=0,
        description="Most bytes of images that are kept with them; beyond it some go by chance.",
    )

    quota_bytes: int = Field(
        default=0,
        ge=0,
        description="Most bytes of images in the projects that one person owns; 0: no limit.",
    )
    quota_jobs: int = Field(
        default=0, ge=0, description="Most jobs of one person that wait or run; 0: no limit."
    )
    quota_gpu_minutes: int = Field(
        default=0,
        ge=0,
        description="Most minutes of a GPU in 30 days for one person; 0: no limit.",
    )
    server: str = Field(
        default="",
        description="The address of another Graft that the command line asks instead of working on "
        "this computer, as with --server.",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="With which the command line asks it; made there on the page “Account”.",
    )

    trash_days: int = Field(
        default=30,
        ge=0,
        description="Days for which deleted projects and models can be restored.",
    )

    @field_validator("import_roots", mode="before")
    @classmethod
    def _paths(cls, given: object) -> object:
        """What the environment says: a JSON list, or paths separated as in PATH."""
        if not isinstance(given, str):
            return given
        if given.lstrip().startswith("["):
            return json.loads(given)
        return tuple(each for each in given.split(os.pathsep) if each.strip())

    @model_validator(mode="after")
    def _store_needs_postgresql(self) -> Self:
        both = self.database_url, self.queue_url
        if self.store and not all(url.startswith("postgres") for url in both):
            raise ValueError(
                "GRAFT_STORE needs PostgreSQL: set GRAFT_DATABASE_URL and GRAFT_QUEUE_URL to "
                "databases that all machines reach, or unset GRAFT_STORE"
            )
        return self

    @property
    def converted_folder(self) -> Path:
        """Where networks converted for this machine lie; they can be made again."""
        return self.converted or self.home / "compiled"

    @property
    def oidc_domain_names(self) -> frozenset[str]:
        """Domains whose people get an account by themselves."""
        return frozenset(d.strip().lower() for d in self.oidc_domains.split(",") if d.strip())

    @property
    def metadata_url(self) -> str:
        """SQLAlchemy URL of the metadata database."""
        return self.database_url or _sqlite_url(self.home / "graft.db")

    @property
    def jobs_url(self) -> str:
        """SQLAlchemy URL of the queue's database."""
        return self.queue_url or _sqlite_url(self.home / "queue.db")


def _sqlite_url(path: Path) -> str:
    # The two characters that mean something else in a URL than in the name of a folder.
    return f"sqlite:///{path}".replace("%", "%25").replace("?", "%3F")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read from the environment the first time they are asked for."""
    settings = Settings()
    return settings.model_copy(update={"home": settings.home.expanduser().resolve()})


def known_settings() -> Settings:
    """The settings, or a sentence: BadRecipe about a variable, HomeUnusable about the home."""
    try:
        return get_settings()
    except ValidationError as error:
        raise BadRecipe(f"In the environment (GRAFT_…): {in_one_sentence(error)}") from error
    except (RuntimeError, OSError) as error:  # links in a circle, the home of a user unknown here
        raise HomeUnusable(
            "GRAFT_HOME names no folder that can be found. Choose one that can be written to."
        ) from error

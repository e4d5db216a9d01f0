"""The environment, read once at the edge of a process. Every name carries the prefix PATCHSWAP_."""

import socket
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVICE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PATCHSWAP_", extra="ignore")

    database_url: str = Field(
        description="Address of Postgres: postgresql+psycopg://..., with ?host=/folder for a Unix socket."
    )
    redis_url: str = Field(description="Address of Redis: redis://host:port/0, rediss://... or redis+socket:///path.")
    objects_url: str = Field(description="Where objects are stored: file:///folder or s3://bucket[/prefix].")
    s3_endpoint: str | None = Field(None, description="Address of an S3 server other than AWS.")
    s3_public_endpoint: str | None = Field(
        None, description="Address of the S3 server as clients reach it; used in signed URLs."
    )
    s3_access_key_id: str | None = Field(None, description="Access key of the bucket.")
    s3_secret_access_key: str | None = Field(None, description="Secret of that access key.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    scratch_dir: Path = Field(
        Path("/tmp/patchswap"),  # noqa: S108
        description="Folder of a worker's temporary files and pack cache.",
    )
    downloads: Literal["redirect", "stream"] = Field(
        "redirect",
        description="`redirect` sends clients to the object store; `stream` sends all bytes through the API.",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", description="Address of the API as clients reach it; used in links."
    )
    allowed_hosts: str = Field(
        "", description="`Host` headers that the API accepts, separated by commas; empty accepts any."
    )
    worker_name: str = Field(default_factory=socket.gethostname, description="Name of a worker in a job's attempts.")

    device_name: str = Field(
        "", pattern=rf"^({DEVICE_NAME})?$", description="Name of the device that `python -m worker device` measures on."
    )

    lease_seconds: float = Field(60, description="A worker that does not renew its claim within this time loses it.")
    heartbeat_seconds: float = Field(10, description="How often a worker renews its claim.")
    export_formats: str = Field(
        "",
        description="Export formats that the workers can write, by commas; empty means those installed with the API.",
    )
    sweep_seconds: float = Field(10, description="How often lost jobs are looked for and searches are advanced.")
    stall_seconds: float = Field(600, description="A trainer without progress for this long is killed and restarted.")
    deaf_seconds: float = Field(
        40, ge=5, description="A worker that takes no messages for this long exits when idle, to be restarted."
    )
    grace_seconds: float = Field(50, description="Time for a last checkpoint after SIGTERM.")
    max_attempts: int = Field(3, description="A job fails after this many attempts without a newer checkpoint.")
    metrics_address: str = Field(
        "", description="Address, host:port, where a worker serves metrics for Prometheus; empty serves none."
    )
    trainer_module: str = Field("trainer", description="Module that runs as the trainer; only tests set it.")
    warm_trainer: bool = Field(
        False, description="Keep a process per worker that has loaded torch and forks the trainers; 400 MB each."
    )
    orphan_ttl_seconds: float = Field(
        86_400, description="Retention of unreferenced objects and unfinished uploads, in seconds."
    )
    pack_cache_bytes: int = Field(
        20 * 2**30, description="Size of the pack cache on a worker's disk; the least recently used goes first."
    )
    signing_key_file: Path | None = Field(
        None, description="For workers: PEM file of the Ed25519 key that signs bundles."
    )
    signing_public_key_file: Path | None = Field(
        None, description="For the API: PEM file of the public key that belongs to it."
    )
    predict_cache_bytes: int = Field(
        512 * 2**20, ge=0, description="Model files that an API process keeps open for predictions."
    )
    max_upload_bytes: int = Field(50 * 2**30, description="Largest upload.")
    requests_per_minute: int = Field(
        600_000, ge=1, description="Requests of a tenant per minute, over all its keys and API processes; more get 429."
    )
    quota_bytes: int = Field(
        2**40, ge=0, description="Bytes that a tenant may store: uploads, packs, checkpoints, models, exports."
    )
    quota_images: int = Field(50_000_000, ge=0, description="Images in a tenant's datasets.")
    quota_queued_jobs: int = Field(10_000, ge=0, description="Queued jobs of a tenant; more get 429.")
    quota_running_jobs: int = Field(100, ge=1, description="Running jobs of a tenant; more stay queued.")
    quota_webhooks: int = Field(20, ge=0, description="Webhooks of a tenant.")
    webhook_keys_file: Path | None = Field(
        None, description="For API and workers: file of the keys that encrypt webhook secrets in the database."
    )
    webhook_allow_private: bool = Field(False, description="Allow webhooks to use http and private networks.")
    webhook_timeout_seconds: float = Field(15, gt=0, description="Longest time for a receiver's answer.")
    webhook_retry_seconds: float = Field(
        5, gt=0, description="Pause after the first failed delivery; it triples each time."
    )
    webhook_give_up_seconds: float = Field(86_400, description="A message is given up after this time.")
    smtp_host: str | None = Field(None, description="For API and workers: SMTP relay for e-mail of webhooks.")
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of that relay.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="`starttls` upgrades the connection, `tls` begins encrypted (port 465), `none` is plain.",
    )
    smtp_user: str | None = Field(None, description="User at the relay; without it nobody logs in.")
    smtp_password: str | None = Field(None, description="Password of that user.")
    smtp_from: str | None = Field(
        None, description="For API and workers: sender of e-mail, such as `patchswap <noreply@example.com>`."
    )
    smtp_recipients: str = Field(
        "", description="Domains that e-mail may go to, separated by commas; empty allows any."
    )
    upload_ttl_seconds: float = Field(
        86_400, description="An upload is dropped when it is not completed within this time."
    )


@lru_cache
def settings() -> Settings:
    return Settings()

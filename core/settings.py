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

    database_url: str = Field(description="postgresql+psycopg://..., a unix socket by ?host=/folder")
    redis_url: str = Field(description="redis://host:port/0, rediss://... or redis+socket:///path")
    objects_url: str = Field(description="file:///folder or s3://bucket[/prefix]")
    s3_endpoint: str | None = Field(None, description="for S3 servers other than AWS")
    s3_public_endpoint: str | None = Field(
        None, description="the same server as clients reach it; stands in signed urls"
    )
    s3_access_key_id: str | None = None
    s3_secret_access_key: str | None = None
    s3_region: str = "us-east-1"
    scratch_dir: Path = Field(Path("/tmp/patchswap"), description="a worker's working files and its cache of packs")  # noqa: S108
    downloads: Literal["redirect", "stream"] = Field("redirect", description="stream: by the api, uploads too")
    public_url: str = Field("http://127.0.0.1:8000", description="how clients reach the api; stands in links")
    allowed_hosts: str = Field("", description="Host headers the api answers to, by commas; any where empty")
    worker_name: str = Field(default_factory=socket.gethostname)

    device_name: str = Field("", pattern=rf"^({DEVICE_NAME})?$", description="what a worker's measurements go by")

    lease_seconds: float = Field(60, description="a claim not renewed for so long is another worker's")
    heartbeat_seconds: float = Field(10, description="renewal of the lease; a sixth of it survives five misses")
    export_formats: str = Field("", description="of the api: what workers can make, by commas; its own where empty")
    sweep_seconds: float = Field(10, description="between two looks for lost jobs")
    stall_seconds: float = Field(600, description="a trainer without progress for so long is killed and tried again")
    deaf_seconds: float = Field(40, ge=5, description="a worker that takes no messages for so long is ended when idle")
    grace_seconds: float = Field(50, description="from SIGTERM until the job is given back with its last checkpoint")
    max_attempts: int = Field(3, description="attempts without a newer checkpoint before a job is called poison")
    metrics_address: str = Field("", description="host:port where a worker tells its figures; nowhere where empty")
    trainer_module: str = Field("trainer", description="what `python -m` runs as the trainer; tests run another")
    orphan_ttl_seconds: float = Field(86_400, description="retention of unreferenced objects")
    pack_cache_bytes: int = Field(20 * 2**30, description="packs kept on a worker's disk, oldest use first out")
    signing_key_file: Path | None = Field(None, description="of workers: the Ed25519 key that signs bundles, PEM")
    signing_public_key_file: Path | None = Field(None, description="of the api: its public half, PEM")
    predict_cache_bytes: int = Field(512 * 2**20, ge=0, description="model files an api process keeps open")
    max_upload_bytes: int = Field(50 * 2**30, description="largest upload accepted")
    requests_per_minute: int = Field(600_000, ge=1, description="of a tenant, over all its keys and all api processes")
    quota_bytes: int = Field(2**40, ge=0, description="a tenant's uploads, packs, checkpoints, models and exports")
    quota_images: int = Field(50_000_000, ge=0, description="in a tenant's datasets")
    quota_queued_jobs: int = Field(10_000, ge=0, description="of a tenant, waiting at the same time")
    quota_running_jobs: int = Field(100, ge=1, description="of a tenant, at the same time; further ones stay queued")
    quota_webhooks: int = Field(20, ge=0, description="of a tenant")
    webhook_keys_file: Path | None = Field(None, description="of api and workers: seals secrets of webhooks")
    webhook_allow_private: bool = Field(False, description="webhooks by http, and to addresses of private networks")
    webhook_timeout_seconds: float = Field(15, gt=0, description="from the look-up of a receiver's name to its status")
    webhook_retry_seconds: float = Field(5, gt=0, description="after a first failure; three times as long each time")
    webhook_give_up_seconds: float = Field(86_400, description="a message not accepted by then is given up")
    upload_ttl_seconds: float = Field(86_400, description="an upload not completed by then is aborted")


@lru_cache
def settings() -> Settings:
    return Settings()

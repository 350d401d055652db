"""Settings of every process: one place, environment variables ``GRIDWHISTLE_*``, sound defaults.

``gridwhistle up`` sets them for the processes it starts; production sets them itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="GRIDWHISTLE_", frozen=True)

    profile: str = Field("qinglan", description="配置名或目录 / profile name or directory")
    data_dir: Path = Field(
        Path("data"), description="本机数据目录 / where a worker keeps its files"
    )

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, comma separated")
    kafka_security: str = Field("PLAINTEXT", description="PLAINTEXT | SSL | SASL_SSL")
    kafka_username: str = Field("", description="SASL user (SCRAM-SHA-512)")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password")
    kafka_replication: int = Field(1, ge=1, description="replicas of topics we create")
    retention_bytes: int = Field(-1, description="bytes kept a partition; -1 = by time only")

    clickhouse: str = Field("http://127.0.0.1:8123", description="ClickHouse's HTTP address")
    clickhouse_database: str = Field("gridwhistle", description="database")
    clickhouse_user: str = Field("writer", description="user of this process")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="its password")

    local_wall: bool = Field(
        False, description="本机屏幕免令牌看大屏 screens of this machine need no wall token"
    )
    metrics_port: int = Field(0, ge=0, le=65535, description="/metrics of a worker; 0 = off")
    secrets_dir: Path = Field(Path("data/secrets"), description="tokens, accounts and keys, 0600")
    corrections_dir: Path = Field(
        Path("data/corrections"),
        description="人工更正,自带配置档也学 / corrections that shipped profiles learn too",
    )


@cache
def settings() -> Settings:
    """The process's settings, read once. ValidationError names the variable and the reason."""
    return Settings()

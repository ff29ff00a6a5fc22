"""What may be set from outside, all of it by environment variables that begin with HALL_.

A setting that cannot be used ends the start with one sentence that names the variable and what to put there.
In sandbox mode the keys are made once and kept in the home; in production they must be given, and keys that a sandbox
made are refused.
"""

import base64
import binascii
import json
import logging
import os
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey, import_key
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra.embedded import running_at
from infra.home import Home, HouseError, open_home

SANDBOX_LABEL = "sandbox"


class Mode(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


def _by_comma(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _log_level(value: str) -> str:
    level = value.upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError("unknown level")
    return level


def _database_url(value: str) -> str:
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("not a PostgreSQL URL")
    return value


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("not a Redis URL")
    return value


class Settings(BaseSettings):
    """Everything a process of the hall is told. Immutable; made by `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="HALL_", frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    mode: Mode = Mode.PRODUCTION
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    home: Path = Path(".hall")
    """Where state lives; relative to the working directory."""

    database_url: Annotated[str, AfterValidator(_database_url)] | None = Field(default=None, repr=False)
    redis_url: Annotated[str, AfterValidator(_redis_url)] | None = Field(default=None, repr=False)
    plan_start: date | None = None
    """First active Shanghai day of both shipped plans; without it, 30 days before the first start."""

    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_by_comma)] = ()
    """Whose Forwarded and X-Forwarded-For headers are believed."""

    serve_processes: int = Field(default=1, ge=1, le=64)
    """How many web processes `hall run` keeps; they share one listening socket."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where `hall worker` serves its own /metrics, on `host`; without it, it does not."""

    customer_rate: int | None = Field(default=None, ge=1)
    """How many writes a customer may make in 10 seconds; without it 60, and ten times that in a sandbox."""

    address_rate: int | None = Field(default=None, ge=1)
    """What may come from one address in 10 seconds without a session, a sign-in counting 5 and a machine's token 10;
    without it 3,000, and ten times that in a sandbox. A whole town may stand behind one address."""

    log_level: Annotated[str, AfterValidator(_log_level)] = "INFO"
    log_format: LogFormat = LogFormat.JSON

    data_key: str | None = Field(default=None, repr=False)
    data_key_file: Path | None = None
    token_key: str | None = Field(default=None, repr=False)
    token_key_file: Path | None = None

    clients: str | None = Field(default=None, repr=False)
    clients_file: Path | None = None
    """Machine clients of a production hall, as JSON; a sandbox knows those of the contract."""

    @property
    def sandbox(self) -> bool:
        return self.mode is Mode.SANDBOX

    @property
    def rates(self) -> tuple[int, int]:
        """`customer_rate` and `address_rate`."""
        more = 10 if self.sandbox else 1
        return self.customer_rate or 60 * more, self.address_rate or 3_000 * more

    @property
    def base_url(self) -> str:
        """Where this hall's own processes reach its web process."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def with_(self, **changes: Any) -> "Settings":
        return self.model_copy(update=changes)


_REMEDIES = {
    "mode": "give sandbox or production",
    "host": "give an address to listen on, such as 127.0.0.1",
    "port": "give a number from 1 to 65535",
    "home": "give a directory",
    "database_url": "give postgresql://user:password@host:port/database",
    "redis_url": "give redis://:password@host:port/0",
    "plan_start": "give a day as YYYY-MM-DD",
    "trusted_proxies": "give networks separated by commas, such as 10.0.0.0/8",
    "serve_processes": "give a number from 1 to 64",
    "metrics_port": "give a number from 1 to 65535",
    "customer_rate": "give how many in 10 seconds, 1 or more",
    "address_rate": "give how many in 10 seconds, 1 or more",
    "log_level": "give DEBUG, INFO, WARNING or ERROR",
    "log_format": "give json or console",
    "data_key": "give 32 bytes in base64, or several keys separated by commas, the newest first",
    "data_key_file": "give the path of a file",
    "token_key": "give a private JWK, a JWK set or a PEM",
    "token_key_file": "give the path of a file",
    "clients": "give a JSON list of clients",
    "clients_file": "give the path of a file",
}


def load_settings(**defaults: Any) -> Settings:
    """The settings of this process: the environment, and `defaults` for what it does not say.

    Raises HouseError, one sentence that names the variable and the remedy.
    """
    given = {name: value for name, value in defaults.items() if not os.environ.get(f"HALL_{name.upper()}")}
    try:
        return Settings(**given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise HouseError(f"HALL_{name.upper()} cannot be used: {_REMEDIES[name]}.") from None


def attach(settings: Settings, *, cache: bool = True) -> Settings:
    """The settings of a command that works on a hall: on the one that runs in the home, where no servers are named.

    `cache`: whether the command needs Redis, too. Raises HouseError when there is neither.
    """
    if settings.database_url and (settings.redis_url or not cache):
        return settings
    found = running_at(Home(settings.home.expanduser().absolute()))
    if found is None:
        missing = "HALL_REDIS_URL" if settings.database_url else "HALL_DATABASE_URL"
        raise HouseError(f"No hall runs in {settings.home} and {missing} is not set: start `hall run`, or set it.")
    mode = settings.mode if "mode" in settings.model_fields_set else Mode.SANDBOX
    return settings.with_(
        database_url=settings.database_url or found[0], redis_url=settings.redis_url or found[1], mode=mode
    )


def require_servers(settings: Settings) -> Settings:
    """The same settings. Raises HouseError when they name no database or no Redis."""
    for name in ("database_url", "redis_url"):
        if not getattr(settings, name):
            raise HouseError(f"HALL_{name.upper()} is not set: {_REMEDIES[name]}, or start everything with `hall run`.")
    return settings


def misspelt() -> list[str]:
    """One sentence for each HALL_ variable that is no setting but looks like one."""
    known = [f"HALL_{name.upper()}" for name in Settings.model_fields]
    unknown = [name for name in os.environ if name.startswith("HALL_") and name not in known]
    return [
        f"{name} is not a setting: did you mean {close[0]}?"
        for name in sorted(unknown)
        if (close := get_close_matches(name, known, n=1, cutoff=0.8))
    ]


def clients_of(settings: Settings) -> str:
    """The JSON text of a production hall's machine clients; raises HouseError when there is none."""
    return _given(settings, "clients", None, None)


# --- keys


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The hall's own secrets. `data`: 32 bytes each, the first seals, every one opens. `token`: the first signs, every
    one verifies; private keys of joserfc."""

    data: tuple[bytes, ...]
    token: KeySet


def load_keys(settings: Settings) -> Keys:
    """The keys of this hall: as given, or in sandbox mode made once and kept (0600) in the home.

    Raises HouseError when production lacks one, when one cannot be read, or when production is given a sandbox's.
    """
    home = open_home(settings.home) if settings.sandbox else None
    return Keys(data=_data_keys(settings, home), token=_token_keys(settings, home))


def _data_keys(settings: Settings, home: Home | None) -> tuple[bytes, ...]:
    text = _given(settings, "data_key", home, _new_data_key)
    keys = []
    for part in text.split(","):
        label, _, encoded = part.strip().rpartition(":")
        _refuse_sandbox_key(settings, "data_key", label == SANDBOX_LABEL)
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32 or label not in ("", SANDBOX_LABEL):
            raise _unusable("data_key")
        keys.append(key)
    return tuple(keys)


def _token_keys(settings: Settings, home: Home | None) -> KeySet:
    text = _given(settings, "token_key", home, _new_token_key).strip()
    try:
        document = json.loads(text) if text.startswith("{") else {}
        keys = [import_key(jwk) for jwk in document["keys"]] if "keys" in document else [_import(text, document)]
    except (JoseError, ValueError, TypeError, KeyError):
        raise _unusable("token_key") from None
    if not keys or not all(key.is_private and not isinstance(key, OctKey) for key in keys):
        raise _unusable("token_key")
    for key in keys:
        key.ensure_kid()
        _refuse_sandbox_key(settings, "token_key", str(key.kid).startswith(SANDBOX_LABEL))
    return KeySet(keys)


def _import(text: str, document: dict[str, Any]) -> Any:
    if document:
        return import_key(document)
    for kind in (OKPKey, ECKey, RSAKey):
        try:
            return kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError("no such key")


def _given(settings: Settings, name: str, home: Home | None, make: Any) -> str:
    text: str | None = getattr(settings, name)
    if text:
        return text
    path: Path | None = getattr(settings, f"{name}_file")
    if path:
        try:
            return path.read_text().strip()
        except OSError as error:
            raise HouseError(
                f"HALL_{name.upper()}_FILE cannot be read ({error.strerror}): give the path of a file."
            ) from None
    if home:
        return home.secret(name.replace("_", "-"), make)
    variable = f"HALL_{name.upper()}"
    raise HouseError(f"Production needs {variable} or {variable}_FILE: {_REMEDIES[name]}.")


def _unusable(name: str) -> HouseError:
    return HouseError(f"HALL_{name.upper()} cannot be used: {_REMEDIES[name]}.")


def _refuse_sandbox_key(settings: Settings, name: str, is_sandbox: bool) -> None:
    if is_sandbox and not settings.sandbox:
        raise HouseError(f"HALL_{name.upper()} was made by a sandbox and is refused in production: {_REMEDIES[name]}.")


def _new_data_key() -> str:
    return f"{SANDBOX_LABEL}:{base64.b64encode(os.urandom(32)).decode()}"


def _new_token_key() -> str:
    key = OKPKey.generate_key("Ed25519", {"kid": f"{SANDBOX_LABEL}-{os.urandom(4).hex()}", "use": "sig"}, private=True)
    return json.dumps(key.as_dict(private=True))

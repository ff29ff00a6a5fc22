"""Structured logs on stderr: one JSON object a line (or coloured lines for a person), without personal data.

Everything goes one way, the standard library's loggers too (uvicorn, Tortoise, asyncpg). The last step drops the values
of keys that name a person and masks whatever looks like a phone, identity or card number, a token or a password in a
URL, wherever it stands (source: JR/T 0171-2020: no C2 or C3 data in logs).
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TextIO

import orjson
import structlog

DROPPED_KEYS = frozenset({"name", "phone", "birthday", "person", "authorization", "address"})
"""A key is dropped when it is one of these or ends with `_` and one of these."""

DROPPED = "[dropped]"
MASKED = "***"

# Their records carry statements, their arguments or whole URLs: nothing below a warning may leave the process.
_TALKATIVE = ("tortoise", "asyncpg", "httpx", "httpcore", "asyncio", "redis")

_PERSONAL = re.compile(
    r"""
    (?P<kept>
        (?<![0-9a-zA-Z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-zA-Z])     # a UUID
      | (?<![0-9a-zA-Z])(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-zA-Z])             # a digest, a trace id
    )
  | (?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9\-._~+/]+=*
  | (?P<url>://)[^\s/@"']*@                                                         # user and password in a URL
  | eyJ[\w-]+(?:\.[\w-]*)+                                                          # a JWT
  | (?<!\d)\d{17}[\dXx](?!\d)                                                       # an identity number
  | (?<!\d)\d{4}(?:[ -]?\d{4}){2}(?:[ -]?\d{1,4}){1,2}(?!\d)                        # a card number, 13 to 20 digits
  | (?<!\d)\d{12,}(?!\d)                                                            # any other number that long
  | (?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)                        # a mobile number
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _without_peers(record: logging.LogRecord) -> bool:
    """uvicorn tells the client's address of every websocket: an address is personal data."""
    return '"WebSocket' not in str(record.msg)


def mask(text: str) -> str:
    """`text` without anything that looks like a number of a person or a secret. UUIDs and digests stay."""
    return _PERSONAL.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["url"]:
        return f"{found['url']}{MASKED}@"
    return f"{found['scheme'] or ''}{MASKED}"


def without_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor every line passes last before it is written."""
    event.pop("color_message", None)  # uvicorn's, the same sentence once more
    return {_key(key): DROPPED if _names_a_person(key) else _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if mask(str(value)) == str(value) else MASKED
        case Mapping():
            return {_key(key): DROPPED if _names_a_person(key) else _clean(inner) for key, inner in value.items()}
        case str():
            return mask(value)
        case bytes() | bytearray():
            return f"[{len(value)} bytes]"
        case Sequence() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case _:
            return mask(str(value))


def _key(key: object) -> str:
    return mask(str(key))


def _names_a_person(key: object) -> bool:
    return str(key).lower().replace("-", "_").rpartition("_")[2] in DROPPED_KEYS


def configure_logging(level: str = "INFO", format: str = "json", stream: TextIO | None = None) -> None:
    """Send every log of this process to `stream` (stderr). `format`: json or console. May be called again."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    console = format == "console"
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback) if console else _json
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_personal_data,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(max(logging.WARNING, root.level))
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(own).handlers[:] = []
        logging.getLogger(own).propagate = True
    logging.getLogger("uvicorn.error").addFilter(_without_peers)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)


def _json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event", "trace_id") if key in event}
    return orjson.dumps({**first, **event}, option=orjson.OPT_NON_STR_KEYS, default=str).decode()


def bind_trace(trace_id: str) -> None:
    """Put `trace_id` on every line that this task, and tasks it starts from now on, writes."""
    structlog.contextvars.bind_contextvars(trace_id=trace_id)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger

"""Logs: one JSON object a line, readable lines on a terminal."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any

from towline.errors import TowlineError

_RICH = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]  # "there is none": the operator would hold 5 MiB that it never uses
try:
    import structlog  # draws tracebacks with rich where there is one; `_trace` writes them here
finally:
    del sys.modules["rich"]
    if _RICH:
        sys.modules["rich"] = _RICH

Logger = structlog.stdlib.BoundLogger

_LIBRARIES = ("kopf", "aiohttp", "asyncio", "kubernetes", "git", "urllib3")
"""Loggers of others. At debug they print request and response bodies, and those hold secrets."""


_OWN_END = ("Connector is closed", "TCP closed; will re-authenticate")
"""What aiohttp and kopf say of a request whose session was closed."""


def configure(level: str, stream: IO[str] | None = None) -> None:
    """Set up structlog and the standard library's logging, once, at the start of the process.

    Args:
        level: `debug`, `info`, `warning` or `error`; it applies to Towline's own lines. Libraries log from
            warnings on, whatever the level.
        stream: where the lines go; standard error by default.
    """
    stream = stream or sys.stderr
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_trace),
        _printable,
    ]
    last: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if stream.isatty()
        else structlog.processors.JSONRenderer(sort_keys=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.addFilter(_is_news)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("towline").setLevel(level.upper())
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)


@contextmanager
def silent() -> Iterator[None]:
    """Log nothing during the block where nothing is set up, as for a command: its output is the answer alone."""
    before = structlog.get_config()
    if isinstance(before["logger_factory"], structlog.stdlib.LoggerFactory):
        yield
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out kopf's complaints about a closed session: it closes that itself, at its end or to log in anew."""
    return not (record.name.startswith("kopf.") and any(sign in record.getMessage() for sign in _OWN_END))


def logger(name: str) -> Logger:
    """Return the logger of one module; `name` is its `__name__`."""
    bound: Logger = structlog.stdlib.get_logger(name)
    return bound


def _trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Return the traceback of an exception.

    Messages of other libraries are left out: `int`, `dict` and many a library quote the value that they fail at, and
    that may be a secret.
    """
    return "\n".join(_told(exc_info[1]))


def _told(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from _told(cause)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _told(each)
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield f"{type(error).__name__}: {error}" if isinstance(error, TowlineError) else type(error).__name__


def _printable(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Escape control characters, so that text from outside, such as a branch name, cannot control a terminal."""
    return {key: _escaped(value) if isinstance(value, str) else value for key, value in event.items()}


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)

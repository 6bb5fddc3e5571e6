"""Check values of a format: those that the API server reads in code of its own, and those that schemas of CRDs name.

A check returns what is wrong, without the value, and nothing for values of other types than its own.
"""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

_RANGES = {"int32": 2**31, "int64": 2**63}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:Z|[+-](?:[01]\d|2[0-4]):[0-5]\d)", re.ASCII
)
_MICRO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.,]\d{6}(?:Z|[+-](?:[01]\d|2[0-4]):[0-5]\d)", re.ASCII
)
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_QUANTITY = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,18})?", re.ASCII)
"""As `resource.ParseQuantity` reads it."""
_UUID = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def int_or_string(instance: Any) -> str:
    """Say what is wrong with a value that must be a whole number or a string."""
    if isinstance(instance, str) or (isinstance(instance, int) and not isinstance(instance, bool)):
        return ""
    if isinstance(instance, float) and instance.is_integer():
        return ""
    return "must be a whole number or a string"


def _int32_or_string(instance: Any) -> str:
    return int_or_string(instance) or _whole(_RANGES["int32"], instance)


def _map_or_boolean(instance: Any) -> str:
    return "" if isinstance(instance, bool | dict) else "must be a map, true or false"


def _whole(bound: int, instance: Any) -> str:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return ""
    return "" if -bound <= instance < bound else f"must be from {-bound} to {bound - 1}"


def _bytes(instance: Any) -> str:
    try:
        if isinstance(instance, str):
            base64.b64decode(re.sub(r"[\r\n]", "", instance), validate=True)
    except (binascii.Error, ValueError):
        return "must be base64"
    return ""


def _time(pattern: re.Pattern[str], example: str, instance: Any) -> str:
    if not isinstance(instance, str):
        return ""
    try:
        if match := pattern.fullmatch(instance):
            datetime.fromisoformat(match[1].upper())
            return ""
    except ValueError:
        pass
    return f"must be a time as RFC 3339 writes it: {example}"


def _quantity(instance: Any) -> str:
    if isinstance(instance, int | float) and not isinstance(instance, bool):
        return ""
    is_one = isinstance(instance, str) and _QUANTITY.fullmatch(instance.strip())
    return "" if is_one else "must be a quantity, such as 500m, 2 or 1Gi"


def _address(read: Callable[[str], object], what: str, instance: Any) -> str:
    try:
        if isinstance(instance, str):
            read(instance)
    except ValueError:
        return f"must be {what}"
    return ""


def _cidr(text: str) -> None:
    address, slash, prefix = text.partition("/")
    if not slash or not re.fullmatch(r"0|[1-9][0-9]*", prefix):
        raise ValueError
    ipaddress.ip_interface(f"{address}/{prefix}")


def _uuid(instance: Any) -> str:
    return "must be a UUID" if isinstance(instance, str) and not _UUID.fullmatch(instance) else ""


_EXAMPLE = "2026-01-02T15:04:05Z"

ALL: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        **{name: functools.partial(_whole, bound) for name, bound in _RANGES.items()},
        "byte": _bytes,
        "date-time": functools.partial(_time, _DATE_TIME, _EXAMPLE),
        "time": functools.partial(_time, _TIME, _EXAMPLE),
        "micro-time": functools.partial(_time, _MICRO_TIME, "2026-01-02T15:04:05.000000Z"),
        "quantity": _quantity,
        "int32-or-string": _int32_or_string,
        "map-or-boolean": _map_or_boolean,
        "ipv4": functools.partial(_address, ipaddress.IPv4Address, "an IPv4 address"),
        "ipv6": functools.partial(_address, ipaddress.IPv6Address, "an IPv6 address"),
        "cidr": functools.partial(
            _address, _cidr, "an address with the length of its prefix, such as 10.0.0.0/8"
        ),
        "uuid": _uuid,
    }
)
"""The checks by the names of formats; formats without one are not checked."""

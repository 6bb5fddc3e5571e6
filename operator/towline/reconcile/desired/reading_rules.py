"""Hold what the flags allow of a source."""

from __future__ import annotations

from dataclasses import dataclass

from towline.api import labels
from towline.render.documents import YamlLimits
from towline.source.selection import SourceLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRules:
    """What the operator allows of a source; `keys` are namespace and name of the Secret that holds its own keys.

    With `require_bound_credentials`, a Secret that is bound to no host is not used.
    """

    allow_http: bool
    limits: SourceLimits
    yaml: YamlLimits
    keys: tuple[str, str] = ("", labels.KEYS)
    require_bound_credentials: bool = False

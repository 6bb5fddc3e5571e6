"""Load what checks the spec of a GitRepository."""

from __future__ import annotations

from pathlib import Path

import yaml

import towline
from towline.api import schema


def load() -> schema.Schema:
    """Return what checks the spec of a GitRepository."""
    crd = Path(towline.__file__).parent / "crds" / "gitrepositories.yaml"
    return schema.validator(yaml.load(crd.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))

"""The key of owner stamps that tests share."""

from __future__ import annotations

from towline.plan.stamp import Stamps

STAMPS = Stamps(key=b"s" * 32)

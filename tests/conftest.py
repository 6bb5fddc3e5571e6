"""How properties are searched: no deadline for one example, because the machine is shared."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("towline", deadline=None, print_blob=True)
hypothesis.settings.load_profile("towline")

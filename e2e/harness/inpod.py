"""`python -m e2e.harness.inpod FOLDER COMMAND…`: run `towline COMMAND…` as if a pod's service account lay in FOLDER.

A pod finds its token below /var/run/secrets, where a test has no business. The official client keeps that path in two
constants; nothing else differs from a pod.
"""

from __future__ import annotations

import sys

from kubernetes.config import incluster_config
from towline.__main__ import main

if __name__ == "__main__":
    folder = sys.argv.pop(1)
    incluster_config.SERVICE_TOKEN_FILENAME = f"{folder}/token"
    incluster_config.SERVICE_CERT_FILENAME = f"{folder}/ca.crt"
    main()

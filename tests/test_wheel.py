from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_carries_the_schemas_and_nothing_else_from_outside_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
        timeout=120,
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        schema = archive.read("towline/crds/gitrepositories.yaml")
    assert schema == (ROOT / "crds" / "gitrepositories.yaml").read_bytes()
    assert "towline/crds/syncrecords.yaml" in names
    assert "towline/read/checking/kubernetes-schemas.json.xz" in names
    assert "towline/__main__.py" in names
    assert all(name.startswith(("towline/", "towline-")) for name in names)

"""Programs of Debian's packages, unpacked below the tools folder and not installed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.errors import StackError

_MONITORING = ("prometheus", "prometheus-alertmanager")
_PAGES = (
    "fonts-glyphicons-halflings",
    "libjs-bootstrap4",
    "libjs-d3",
    "libjs-eonasdan-bootstrap-datetimepicker",
    "libjs-jquery",
    "libjs-jquery-hotkeys",
    "libjs-moment",
    "libjs-moment-timezone",
    "libjs-mustache",
    "libjs-popper.js",
    "libjs-rickshaw",
)
"""What the packages' pages link to."""
_INSTALLED, _BESIDE_PROGRAM = b"/usr/share/prometheus/", b"./../share/prometheus/"


def unpack_monitoring(folder: Path) -> None:
    """Puts Prometheus, promtool, Alertmanager and their pages into `folder`, whole or not at all.

    Debian's builds read pages and templates below /usr/share. Here they read them relative to the folder that they
    are started in, which must be their own: a path of the same length stands in the programs instead.
    """
    with TemporaryDirectory(dir=folder.parent) as place:
        unpacked = Path(place) / "unpacked"
        for package in _download([*_MONITORING, *_PAGES], Path(place)):
            _run(["dpkg-deb", "--extract", str(package), str(unpacked)], Path(place))
        for program in _MONITORING:
            file = unpacked / "usr/bin" / program
            file.write_bytes(file.read_bytes().replace(_INSTALLED, _BESIDE_PROGRAM))
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def unpack_fonts(wanted: Sequence[tuple[str, str]], folder: Path) -> None:
    """Puts files of packages, named as `(package, file)`, into `folder`, whole or not at all.

    Raises StackError without packages of Debian, and for a file that they do not have.
    """
    with TemporaryDirectory(dir=folder.parent) as place:
        unpacked, chosen = Path(place) / "unpacked", Path(place) / "chosen"
        for package in _download(sorted({package for package, _ in wanted}), Path(place)):
            _run(["dpkg-deb", "--extract", str(package), str(unpacked)], Path(place))
        chosen.mkdir()
        for source, name in wanted:
            found = next(unpacked.rglob(name), None)
            if found is None:
                raise StackError(f"the package {source} of this distribution has no {name}")
            found.rename(chosen / name)
        chosen.rename(folder)


def _download(packages: Sequence[str], folder: Path) -> list[Path]:
    """apt checks their signatures."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise StackError(f"there are no packages of Debian here, such as {packages[0]}")
    download = ["apt-get", "download", *packages]
    try:
        _run(download, folder)
    except StackError:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update"], folder)  # the lists may be missing or too old
        _run(download, folder)
    return sorted(folder.glob("*.deb"))


def _run(command: Sequence[str], folder: Path) -> None:
    ran = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        raise StackError(f"{' '.join(command[:2])} failed:\n{ran.stderr.strip()}")

"""Zip files of the same bytes for the same contents: sorted names, one time, one mode, one compression."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

# The earliest moment a zip can name.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Archive:
    """A written zip file."""

    file: str
    sha256: str
    zipped_bytes: int
    unzipped_bytes: int


def write(folder: Path, target: Path, *, level: int) -> Archive:
    """Zip every file under ``folder`` to ``target``; empty folders are left out."""
    unzipped, part = 0, target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.external_attr = READABLE
            # Of whatever system it was made on, the archive says the same.
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            contents = path.read_bytes()
            unzipped += len(contents)
            archive.writestr(entry, contents)
    # Whoever reads the one before goes on reading it.
    part.replace(target)
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    return Archive(target.name, sha256, target.stat().st_size, unzipped)

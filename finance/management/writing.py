"""Writing a file for whoever runs a command: to a path, or to standard output."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import OutputWrapper

from npq.core.commands import BadInput, Fault


def check_target(out: str | None, *, as_json: bool) -> None:
    """Raises BadInput when `out` cannot be written, or when the file and JSON would both go to standard output."""
    if out is None:
        if as_json:
            raise BadInput(Fault("--format", "needs_out", "--format json needs --out FILE for the exported file"))
        return
    directory = Path(out).absolute().parent
    if Path(out).is_dir() or not directory.is_dir() or not os.access(directory, os.W_OK):
        raise BadInput(Fault("--out", "not_writable", f"{out} cannot be written; name a file in a directory that can"))


def write_out(chunks: Iterable[str], out: str | None, stdout: OutputWrapper) -> None:
    """Writes the file: to standard output as it comes, or to a path that only the owner may read.

    The file appears under its name once it is complete; a run that breaks off leaves none behind.
    """
    if out is None:
        for chunk in chunks:
            stdout.write(chunk, ending="")
        return
    target = Path(out).absolute()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(chunks)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

"""What a run leaves behind, whatever happens to the disk meanwhile."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError, FileError, MinigradError
from nst.config import toml
from nst.config.plain import plain
from nst.config.request import Request
from nst.job import checkpoint
from nst.job.transfer import Job, Result
from nst.output import record, template
from nst.pictures import tensors
from nst.system.files import check_writable

# Options that say where things go and how often, not what the picture is: left out of its file,
# so that the same run makes the same bytes.
NOT_OF_THE_PICTURE = ("output", "report", "save_every", "checkpoint_every", "quiet")
BESIDES = 1_000_000         # bytes: OUT.json and OUT.toml, generously


def check_output(asked: Request) -> None:
    """Find out before the work whether its results can be written.

    Raises
    ------
    ArgumentError, FileError
        The name is unfit, or something that is not ours would be replaced; the folder cannot be
        written to.
    """
    tensors.check_format(asked.output)
    if asked.report is not None:
        template.check_page(asked.report)
    _check_names(asked)
    _check_what_is_read(asked)
    for path in written_by(asked):
        check_writable(path)
    if not _is_own_config(asked):
        toml.check_replaceable(asked.output.with_suffix(".toml"))
    record.check_replaceable(asked.output.with_suffix(".json"))


def written_by(asked: Request) -> list[Path]:
    """All files that a run may write, but for its intermediate pictures."""
    endings = (asked.output.suffix, ".json", ".toml", checkpoint.ENDING)
    found = [asked.output.with_suffix(ending) for ending in endings]
    return found if asked.report is None else [*found, asked.report]


def numbered(path: Path, iteration: int, iterations: int) -> Path:
    """The name of an intermediate picture: out-050.png beside out.png."""
    return path.with_name(f"{path.stem}-{iteration:0{len(str(iterations))}}{path.suffix}")


def _check_names(asked: Request) -> None:
    """Demand that the disk can have files of these names: some are longer than the output's."""
    longest = numbered(asked.output, 0, asked.settings.iterations)
    for path in (*written_by(asked), *([longest] if asked.save_every else [])):
        try:
            os.lstat(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise FileError(f"cannot write {path}: {getattr(error, 'strerror', '') or error}"
                            ) from None


def _check_what_is_read(asked: Request) -> None:
    """Demand that no file that the run reads is one that it writes."""
    settings = asked.settings
    read = {"picture": [asked.content, *asked.style, settings.init],
            "mask": [settings.content_mask, *(settings.region_masks or ()),
                     *(settings.style_masks or ())],
            "file of weights": [settings.weights]}
    for role, names in read.items():
        for name in names:
            if isinstance(name, (str, Path)) and os.path.exists(name):
                for path in (*written_by(asked), *_numbered_like(Path(name), asked)):
                    if path.exists() and os.path.samefile(path, name):
                        raise ArgumentError(f"the output {path} is the {role} {name} itself; "
                                            f"give another name")


def _numbered_like(path: Path, asked: Request) -> list[Path]:
    """The intermediate picture of the same name, if there may be one."""
    output = asked.output
    number = path.stem.removeprefix(f"{output.stem}-")
    if not asked.save_every or number == path.stem or not number.isdecimal():
        return []
    return [output.with_name(path.name)] if path.suffix == output.suffix else []


def check_room(asked: Request, job: Job) -> None:
    """Demand that the disk has room for the results, as far as can be known before the work.

    Raises
    ------
    ArgumentError, FileError
        The format cannot hold a picture of this size; there is less room than it may take.
    """
    tensors.check_format(asked.output, job.inputs.size)
    width, height = job.inputs.size
    deep = asked.output.suffix.lower() in (".tif", ".tiff")
    needed = width * height * 4 * (1 + deep) + BESIDES
    if asked.checkpoint_every:              # the new one is written before the old one goes
        there = checkpoint.checkpoint_path(asked.output)
        needed += (1 if there.is_file() else 2) * checkpoint.size_in_bytes(job)
    folder = asked.output.resolve().parent
    room = shutil.disk_usage(folder).free
    if room < needed:
        raise FileError(f"the disk of {asked.output} has room for {room / 1e6:.1f} MB, but the "
                        f"results may take {needed / 1e6:.1f} MB; free some, or write elsewhere")


def save(result: Result, asked: Request, warn: Callable[[str], None]) -> Path | None:
    """Write the picture, and beside it how it went and what was in effect.

    Parameters
    ----------
    warn : callable
        Told in a sentence about each file that cannot be written.

    Returns
    -------
    Path or None
        Where the picture is: elsewhere if its own disk is full, None if nowhere.
    """
    effective = plain(asked.effective())
    made_by = {name: value for name, value in effective.items() if name not in NOT_OF_THE_PICTURE}
    written = save_picture(result, asked.output, made_by, warn)
    attempt(warn, record.write_json, asked.output, result, effective)
    if not _is_own_config(asked):
        attempt(warn, toml.write, asked.output.with_suffix(".toml"), effective)
    return written


def save_picture(result: Result, output: Path, made_by: dict[str, Any],
                 warn: Callable[[str], None]) -> Path | None:
    """Write the picture, elsewhere if it must be; parameters and result as for `save`."""
    if attempt(warn, tensors.save, result.picture, output, made_by):
        return output
    for folder in (tempfile.gettempdir(), Path.home()):
        try:
            path = Path(tempfile.mkdtemp(prefix="nst-", dir=folder)) / output.name
            tensors.save(result.picture, path, made_by)
        except (OSError, MinigradError):
            continue
        warn(f"the picture is in {path} instead")
        return path
    return None


def attempt(warn: Callable[[str], None], write: Callable[..., None], *arguments: Any) -> bool:
    """Write something that the run can do without; whether it could be written."""
    try:
        write(*arguments)
    except (MinigradError, MemoryError, OSError) as error:
        warn(str(error) or "there is not enough memory to write it")
        return False
    return True


def _is_own_config(asked: Request) -> bool:
    """Whether the options came from OUT.toml itself: it may have comments, and stays as it is."""
    beside = asked.output.with_suffix(".toml")
    return asked.config is not None and beside.exists() and os.path.samefile(beside, asked.config)

"""Write a run's output files, even if the disk fills up."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError, FileError, MinigradError
from nst.config import toml
from nst.config.plain import plain
from nst.config.request import Request
from nst.config.settings import Settings
from nst.job import checkpoint
from nst.job.result import Result
from nst.job.transfer import Job
from nst.model import weights
from nst.output import existing, record, template
from nst.pictures import tensors
from nst.system.files import check_writable
from nst.system.user_key import check_key, key_path

# Options that do not affect the picture. They are not embedded in its file, so the same run always
# writes the same bytes.
NOT_EMBEDDED = ("output", "report", "save_every", "checkpoint_every", "quiet")
KEY = "key of checkpoints"
OVERHEAD = 1_000_000        # bytes for OUT.json and OUT.toml


def check_output(request: Request) -> None:
    """Check before the run that its results can be written.

    Raises
    ------
    ArgumentError, FileError
        The name is unsuitable, a file that is read would be written, the folder is not writable,
        or the key of checkpoints is not one.
    """
    tensors.check_format(request.output)
    if request.report is not None:
        template.check_page(request.report)
    _check_names(request)
    files = output_files(request)
    own = _own_config(request)
    pictures = [name for name in (request.content, *request.style) if name is not None]
    check_unread([*(path for path in files if path != own), *_numbered_files(request)], pictures,
                 request.settings, request.config)
    check_key()
    for path in files:
        check_writable(path)


def check_existing(request: Request) -> None:
    """Check, under the lock of the output, that no file is replaced that should be kept.

    Raises
    ------
    ArgumentError
        See `existing.check_replaceable`, `existing.check_config` and `existing.check_checkpoint`.
    """
    excepted = _own_config(request), checkpoint.checkpoint_path(request.output)
    if not request.overwrite:
        existing.check_checkpoint(excepted[1])
    files = [path for path in output_files(request) if path not in excepted]
    files += [path for path, number in _numbered_files(request).items()
              if _will_be_written(path, number, request)]
    existing.check_config(request, files)
    existing.check_replaceable(request, files)


def _numbered_files(request: Request) -> dict[Path, int]:
    """Return the existing pictures that have numbers like those of intermediate pictures."""
    output = request.output
    if request.save_every is None:
        return {}
    found = output.parent.glob(f"{glob.escape(output.stem)}-*{glob.escape(output.suffix)}")
    numbers = ((path, path.stem.removeprefix(f"{output.stem}-")) for path in found)
    return {path: int(number) for path, number in numbers if number.isdecimal()}


def _will_be_written(path: Path, number: int, request: Request) -> bool:
    iterations, every = request.settings.iterations, request.save_every or 1
    return (0 < number <= iterations and number % every == 0
            and path.name == numbered(request.output, number, iterations).name)


def output_files(request: Request) -> list[Path]:
    """Return all files that a run may write, except for intermediate pictures."""
    suffixes = (request.output.suffix, ".json", ".toml", checkpoint.SUFFIX)
    paths = [request.output.with_suffix(suffix) for suffix in suffixes]
    return paths if request.report is None else [*paths, request.report]


def numbered(path: Path, iteration: int, iterations: int) -> Path:
    """Return the name of an intermediate picture: out-050.png beside out.png."""
    return path.with_name(f"{path.stem}-{iteration:0{len(str(iterations))}}{path.suffix}")


def _check_names(request: Request) -> None:
    """Check that the disk accepts all names; some are longer than that of the output."""
    longest = numbered(request.output, 0, request.settings.iterations)
    for path in (*output_files(request), *([longest] if request.save_every else [])):
        try:
            os.lstat(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise FileError(f"cannot write {path}: {getattr(error, 'strerror', '') or error}"
                            ) from None


def _read(pictures: Iterable[Any], settings: Settings, config: str | Path | None
          ) -> dict[str | Path, str]:
    """Map the files that a run reads to their roles."""
    roles = {"picture": [*pictures, settings.init],
             "mask": [settings.content_mask, *(settings.region_masks or ()),
                      *(settings.style_masks or ())],
             "weights file": [settings.weights, os.environ.get(weights.VARIABLE)],
             "configuration": [config], KEY: [key_path()]}
    return {name: role for role, names in roles.items() for name in names
            if isinstance(name, (str, Path)) and os.path.exists(name)}


def check_unread(written: Iterable[Path], pictures: Iterable[Any], settings: Settings,
                 config: str | Path | None = None) -> None:
    """Check that no file that is read will be written, nor the key of checkpoints.

    Parameters
    ----------
    written : iterable of Path
    pictures : iterable
        The content and the styles.
    settings : Settings
        They name masks, an initial picture and weights.
    config : str or Path, optional
        The configuration file.

    Raises
    ------
    ArgumentError
        A file is both.
    """
    written = list(written)
    outputs = {_identity(path): path for path in written if os.path.exists(path)}
    for name, role in _read(pictures, settings, config).items():
        path = outputs.get(_identity(name))
        if path is not None:
            raise ArgumentError(f"the output {path} is the {role} {name} itself; choose another "
                                f"output name")
    key = key_path()
    if key is not None:             # it may have to be made yet
        place = os.path.realpath(key)
        for path in written:
            if path.name == key.name and os.path.realpath(path) == place:
                raise ArgumentError(f"the output {path} is the {KEY} {key} itself; choose another "
                                    f"output name")


def _identity(path: str | Path) -> tuple[int, int]:
    """The identity of a file, the same under all its names: its device and inode number."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def check_disk_space(request: Request, job: Job) -> None:
    """Check that the disk has space for the results, as far as this is known before the run.

    Raises
    ------
    ArgumentError, FileError
        The format cannot hold a picture of this size, or the disk has too little space.
    """
    tensors.check_format(request.output, job.inputs.size)
    width, height = job.inputs.size
    deep = request.output.suffix.lower() in (".tif", ".tiff")
    needed = width * height * 4 * (1 + deep) + OVERHEAD
    if request.checkpoint_every:            # a new one is written before the old one is deleted
        path = checkpoint.checkpoint_path(request.output)
        needed += (1 if os.path.isfile(path) else 2) * checkpoint.size_in_bytes(job)
    if not hasattr(shutil, "disk_usage"):   # the free space is unknown in WebAssembly
        return
    try:
        free = shutil.disk_usage(Path(os.path.realpath(request.output)).parent).free
    except OSError as error:
        raise FileError(f"cannot write {request.output}: {error.strerror or error}") from None
    if free < needed:
        raise FileError(f"the disk of {request.output} has {free / 1e6:.1f} MB of free space, but "
                        f"the results may take {needed / 1e6:.1f} MB; free some, or write to "
                        f"another disk")


def save(result: Result, request: Request, warn: Callable[[str], None]) -> Path | None:
    """Write the picture, OUT.json with the losses, and OUT.toml with the options.

    Parameters
    ----------
    warn : callable
        Called with a message for each file that cannot be written.

    Returns
    -------
    Path or None
        Where the picture is: in another folder if its disk is full, None if it was not saved.
    """
    effective = plain(request.effective())
    written = save_picture(result, request.output, effective, warn)
    attempt(warn, record.write_json, request.output, result, effective)
    if _own_config(request) is None:
        attempt(warn, toml.write, request.output.with_suffix(".toml"), effective)
    return written


def save_picture(result: Result, output: Path, options: dict[str, Any],
                 warn: Callable[[str], None]) -> Path | None:
    """Write the picture, in another folder if necessary.

    Parameters
    ----------
    options : dict
        All options in effect. Those that define the picture are stored in it.
    warn
        See `save`.

    Returns
    -------
    Path or None
        See `save`.
    """
    made_by = {name: value for name, value in options.items() if name not in NOT_EMBEDDED}
    return save_somewhere(lambda path: tensors.save(result.picture, path, made_by), output, warn)


def save_somewhere(save: Callable[[Path], None], output: Path, warn: Callable[[str], None]
                   ) -> Path | None:
    """Call `save(output)`, or if that fails, save to the folder of temporary files or the home.

    Returns
    -------
    Path or None
        See `save`.
    """
    if attempt(warn, save, output):
        return output
    for folder in (tempfile.gettempdir, Path.home):
        try:
            path = Path(tempfile.mkdtemp(prefix="nst-", dir=folder())) / output.name
            save(path)
        except (OSError, RuntimeError, MinigradError):      # RuntimeError: there is no home
            continue
        warn(f"the picture is in {path} instead")
        return path
    return None


def attempt(warn: Callable[[str], None], write: Callable[..., None], *arguments: Any) -> bool:
    """Write an optional file, and return whether that succeeded."""
    try:
        write(*arguments)
    except (MinigradError, MemoryError, OSError) as error:
        warn(str(error) or "there is not enough memory to write it")
        return False
    return True


def _own_config(request: Request) -> Path | None:
    """OUT.toml, if the options came from it: it may have comments and is kept."""
    path = request.output.with_suffix(".toml")
    own = (request.config is not None and os.path.exists(path)
           and os.path.samefile(path, request.config))
    return path if own else None

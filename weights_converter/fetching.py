"""Download weights, prove that they are right, convert them, and keep them for this user."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from minigrad.errors import ArgumentError
from minigrad.file_lock import file_lock
from minigrad.files import check_writable
from weights_converter.cache import cache_file
from weights_converter.convert import check_options, convert
from weights_converter.download import DownloadError, discard, download
from weights_converter.errors import CannotWriteError, WeightsError
from weights_converter.sources import SOURCES, Source
from weights_converter.verify import verify
from weights_converter.weights import Weights

Say = Callable[[str], None]


def fetch(
    network: str = "vgg19",
    destination: str | Path | None = None,
    *,
    sources: Sequence[Source] | None = None,
    dtype: str = "float32",
    layers: str | None = None,
    force: bool = False,
    quiet: bool = False,
    say: Say = lambda line: None,
) -> Weights:
    """Make sure that a converted network is there, downloading it if it is not.

    Parameters
    ----------
    network : str
        "vgg19" or "vgg16".
    destination : str or Path, optional
        Where the converted file goes; without it, into the user's cache folder, where
        `nst` finds it.
    sources : sequence of Source, optional
        Addresses to try in turn, in place of the public ones.
    dtype, layers
        What is stored, as in `convert`.
    force : bool
        Download although a good file is there.
    quiet : bool
        Show no progress bar.
    say : callable
        Gets one line of text for each thing worth knowing.

    Returns
    -------
    Weights
        What is in the file.

    Raises
    ------
    ArgumentError
        An unknown network.
    WeightsError
        No address gave it, or the file cannot be written. What was downloaded so far stays for
        the next attempt; an older file stays as it was.
    """
    if network not in SOURCES:
        raise ArgumentError(f"network is {network!r}, but must be {' or '.join(SOURCES)}")
    check_options(dtype, layers)
    destination = Path(destination) if destination else cache_file(network)
    there = None if force else _good(destination, network)
    if there:
        say(f"{destination} is there already, and it is good (--force fetches again)")
        return there
    _make_folder(destination.parent)
    check_writable(destination, CannotWriteError)
    lock = destination.with_name(f".{destination.name}.lock")
    with file_lock(lock, lambda: say("another run is fetching the same file; waiting for it"),
                   CannotWriteError) as held:
        if not held:
            raise WeightsError(f"cannot lock {lock}: its disk has no file locks; choose another "
                               f"folder with --output")
        there = None if force else _good(destination, network)
        if there:
            say("the other run has fetched it")
            return there
        return _from_first(
            sources or SOURCES[network], destination, say, quiet, network, dtype=dtype,
            layers=layers)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWriteError(f"cannot make the folder {folder}: {error.strerror}") from error


def _good(destination: Path, network: str) -> Weights | None:
    """The weights in a file that is there, if they are what was asked for."""
    if not destination.is_file():
        return None
    try:
        weights = verify(destination).weights
    except WeightsError:
        return None
    return weights if weights.architecture == network else None


def _from_first(
    sources: Sequence[Source], destination: Path, say: Say, quiet: bool, network: str,
    **storage: str | None,
) -> Weights:
    """Convert from the first source that gives the network."""
    failures = []
    for source in sources:
        say(f"fetching {source.url}")
        try:
            return _from(source, destination, quiet, network, **storage)
        except _Refused as error:
            failures.append(f"{source.url}: {error}")
            say(f"that failed: {error}")
    raise WeightsError(
        f"cannot fetch {network}: {'; '.join(failures)}; a file that you have can be converted: "
        f"python -m weights_converter FILE {destination}"
    )


class _Refused(WeightsError):
    """This source does not give the network; another may."""


def _from(
    source: Source, destination: Path, quiet: bool, network: str, **storage: str | None
) -> Weights:
    """Download, check, convert; the partial file stays only if more of it may come."""
    name = hashlib.sha256(source.url.encode()).hexdigest()[:16]
    part = destination.with_name(f".{destination.name}.{name}.download")
    _check_space(source, destination.parent)
    for last in (False, True):
        try:
            resumed = download(source.url, part, source.size, quiet)
        except DownloadError as error:
            raise _Refused(str(error)) from error
        wrong = _mismatch(part, source)
        if not wrong:
            break
        discard(part)
        if last or not resumed:     # once more from the start: the older bytes may have been bad
            raise _Refused(wrong)
    try:
        weights = convert(part, destination, origin=source.url, network=network, **storage)
    except CannotWriteError:
        raise
    except WeightsError as error:
        raise _Refused(str(error).replace(str(part), "the file")) from error
    finally:
        discard(part)
    return weights


def _check_space(source: Source, folder: Path) -> None:
    free, needed = shutil.disk_usage(folder).free, 2 * (source.size or 0)
    if free < needed:
        raise CannotWriteError(
            f"cannot write to {folder}: {free:,} bytes are free there, where {needed:,} are needed"
        )


def _mismatch(part: Path, source: Source) -> str | None:
    """What is wrong with the size or the hash of a complete download."""
    size = part.stat().st_size
    if source.size is not None and size != source.size:
        return f"it has {size:,} bytes, where {source.size:,} are right"
    if source.digest is None:
        return None
    algorithm, right = source.digest.split(":")
    with open(part, "rb") as file:
        digest = hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    if not digest.startswith(right):
        return f"its {algorithm} is {digest}, where {right} is right"
    return None

"""Download a network, verify and convert it, and keep it in the user's cache folder."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from minigrad.errors import ArgumentError
from minigrad.file_lock import file_lock
from minigrad.files import check_writable, file_digest, make_folder
from weights_converter.cache import cache_file
from weights_converter.convert import check_options, convert
from weights_converter.download import download
from weights_converter.errors import (
    CannotWriteError,
    DownloadError,
    NoMemoryError,
    WeightsError,
)
from weights_converter.part_file import discard, read_note
from weights_converter.present import HOW_TO_REPLACE, Wanted, check_own, digests_of, verified
from weights_converter.sources import SOURCES, Source
from weights_converter.weights import Weights

Say = Callable[[str], None]
Convert = Callable[..., Weights]


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
    """Provide a converted network: download it unless it exists already.

    A file that exists counts if it is verified and has the layers, the type and, where a source has
    a SHA-256, the source that are asked for. If it does not, the file in the cache folder is
    fetched anew, but one that is named is kept.

    Parameters
    ----------
    network : str
        "vgg19" or "vgg16".
    destination : str or Path, optional
        Path of the converted file; by default in the user's cache folder, where `nst` finds it.
    sources : sequence of Source, optional
        Addresses to try in turn instead of the public ones.
    dtype, layers : str
        As in `convert`.
    force : bool
        Download even if there is a valid file already, and replace whatever is there.
    quiet : bool
        Hide the progress bar.
    say : callable
        Receives one line of text per event.

    Returns
    -------
    Weights
        The contents of the file.

    Raises
    ------
    ArgumentError
        The network is unknown, or there is a file that must not be replaced without `force`.
    WeightsError
        No address provides it, or the file cannot be written. A partial download is kept for the
        next attempt; an existing file is unchanged.
    """
    if network not in SOURCES:
        raise ArgumentError(f"network is {network!r}, but must be {' or '.join(SOURCES)}")
    last = check_options(dtype, layers)
    wanted = Wanted(network, dtype, last, digests_of(sources or ()))
    is_named, destination = bool(destination), Path(destination or cache_file(network))
    cached = None if force else _present(destination, wanted, is_named)
    if cached:
        say(f"{destination} exists already and is valid (--force downloads it again)")
        return cached
    make_folder(destination.parent, CannotWriteError)
    check_writable(destination, CannotWriteError)
    lock = destination.with_name(f".{destination.name}.lock")
    with file_lock(lock, lambda: say("another run is fetching the same file; waiting for it"),
                   CannotWriteError) as held:
        if not held:
            raise WeightsError(f"cannot lock {lock}: its disk does not support file locks; "
                               f"choose another folder with --output")
        cached = None if force else _present(destination, wanted, is_named, say)
        if cached:
            say("the other run has fetched it")
            return cached
        return _try_sources(sources or SOURCES[network], destination, say, quiet,
                            partial(convert, network=network, dtype=dtype, layers=layers),
                            network)


def _present(destination: Path, wanted: Wanted, is_named: bool, say: Say = lambda line: None
             ) -> Weights | None:
    """The weights in an existing file, if they are what is wanted.

    Raises
    ------
    ArgumentError
        The file is something else, and must not be replaced.
    """
    check_own(destination, wanted.network, is_named)
    if not os.path.isfile(destination):
        return None
    weights = verified(destination)
    lacks = wanted.lacks(weights) if weights else "is damaged"
    if not lacks:
        return weights
    if is_named:
        raise ArgumentError(f"{destination} already exists, but {lacks}; {HOW_TO_REPLACE}")
    say(f"{destination} {lacks}; fetching it anew")
    return None


def _try_sources(sources: Sequence[Source], destination: Path, say: Say, quiet: bool,
                 convert_file: Convert, network: str) -> Weights:
    """Fetch from the first source that provides the network."""
    failures = []
    for source in sources:
        say(f"fetching {source.url}")
        try:
            weights = _fetch_one(source, destination, quiet, convert_file)
        except SourceError as error:
            failures.append(f"{source.url}: {error}")
            say(f"failed: {error}")
        else:
            _discard_parts(destination)
            return weights
    raise WeightsError(
        f"cannot fetch {network}: {'; '.join(failures)}; you can convert a file that you have: "
        f"python -m weights_converter FILE {destination}")


def _discard_parts(destination: Path) -> None:
    """Delete partial files that earlier attempts left for addresses no longer needed."""
    with suppress(OSError):         # the file is there; its folder need not be readable
        for part in destination.parent.glob(f".{glob.escape(destination.name)}.*.download"):
            discard(part)


class SourceError(WeightsError):
    """This source does not provide the network; another may."""


def _fetch_one(source: Source, destination: Path, quiet: bool, convert_file: Convert) -> Weights:
    """Download, verify and convert; the partial file is kept only if it can be resumed."""
    name = hashlib.sha256(source.url.encode(errors="surrogatepass")).hexdigest()[:16]
    part = destination.with_name(f".{destination.name}.{name}.download")
    _check_space(source, destination.parent)
    for last in (False, True):
        try:
            resumed = download(source.url, part, source.size, quiet)
        except DownloadError as error:
            if not read_note(part).can_resume(source.url, source.size):
                discard(part)
            raise SourceError(str(error)) from error
        mismatch = _mismatch(part, source)
        if not mismatch:
            break
        discard(part)
        if last or not resumed:     # retry once from the start: older bytes may have been wrong
            raise SourceError(mismatch)
    try:
        weights = convert_file(part, destination, origin=source.url)
    except (CannotWriteError, NoMemoryError):       # no other source would help
        raise
    except WeightsError as error:
        raise SourceError(str(error).replace(str(part), "the file")) from error
    finally:
        discard(part)
    return weights


def _check_space(source: Source, folder: Path) -> None:
    free, needed = shutil.disk_usage(folder).free, 2 * (source.size or 0)
    if free < needed:
        raise CannotWriteError(
            f"cannot write to {folder}: {free:,} bytes are free there, but {needed:,} are needed")


def _mismatch(part: Path, source: Source) -> str | None:
    """A message if the size or the hash of a complete download is wrong, else None."""
    size = part.stat().st_size
    if source.size is not None and size != source.size:
        return f"it has {size:,} bytes, but {source.size:,} are expected"
    if source.digest is None:
        return None
    algorithm, expected = source.digest.split(":")
    digest = file_digest(part, algorithm=algorithm, error=WeightsError)
    if not digest.startswith(expected):
        return f"its {algorithm} is {digest}, but {expected} is expected"
    return None

"""Download one file: it goes on where it was interrupted, and bytes that do not fit are refused.

Proxies are those of the environment (`https_proxy` …), which urllib honours.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad.errors import MinigradError
from minigrad.files import write_atomically
from minigrad.version import __version__
from weights_converter.errors import WeightsError

TIMEOUT = 30.0          # seconds without a byte
PATIENCE = 4            # attempts in a row that bring nothing
MAX_ATTEMPTS = 200     # in all: a server may send one byte at a time
PAUSE = 0.5             # seconds before the next attempt; doubled each time
MAX_BYTES = 4 << 30
BLOCK = 1 << 17

TEMPORARY = (408, 425, 429, 500, 502, 503, 504)


class DownloadError(WeightsError):
    """An address does not give the file; the message does not name the address."""


class _Interrupted(Exception):
    """The connection broke; another attempt may bring more."""


@dataclass(frozen=True)
class _Version:
    """What the server said of the file: enough to know whether it is still the same one."""

    url: str
    validator: str | None = None
    size: int | None = None


def download(url: str, path: Path, size: int | None = None, quiet: bool = False) -> bool:
    """Fetch `url` into `path`, going on with what is there from an earlier attempt.

    Parameters
    ----------
    url : str
        http or https.
    path : Path
        The file to write. It stays when the download fails half-way, with a note beside it
        (`.json`) on what it is a part of.
    size : int, optional
        How many bytes are right.
    quiet : bool
        Show no progress.

    Returns
    -------
    bool
        Whether bytes of an earlier run are in it.

    Raises
    ------
    DownloadError
        The server does not have the file, or another one, or cannot be reached.
    WeightsError
        `path` cannot be written.
    """
    if not re.match(r"https?://", url):
        raise DownloadError("only addresses that begin with http:// or https:// are fetched")
    resumed = _length(path) > 0
    if resumed and _noted(path) == replace(_noted(path), url=url, size=_length(path)):
        return True     # an earlier run got all of it
    failures = 0
    with tqdm(total=size, unit="B", unit_scale=True, disable=quiet or None, leave=False,
              desc=Path(url).name[:40]) as bar:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            before = _length(path)
            try:
                _attempt(url, path, size, bar)
                break
            except _Interrupted as error:
                failures = 0 if _length(path) > before else failures + 1
                if failures >= PATIENCE or attempt == MAX_ATTEMPTS:
                    times = f"{failures} times in a row" if failures else f"{attempt} times"
                    raise DownloadError(f"{error}, {times}") from error
                time.sleep(PAUSE * 2 ** (failures - 1))
    return resumed


def _attempt(url: str, path: Path, size: int | None, bar: tqdm) -> None:
    """One request: from the end of what is there, if the server lets us."""
    have, version = _length(path), _noted(path)
    # Without a validator nobody knows whether the rest belongs to the same file, unless its
    # size is known, and with it (see the callers) its hash.
    if version.url != url or not (version.validator or size):
        have = 0
    headers = {"User-Agent": f"minigrad-nst/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if version.validator:
            headers["If-Range"] = version.validator
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers),
                                    timeout=TIMEOUT) as response:
            _receive(response, url, path, have, size, bar)
    except urllib.error.HTTPError as error:
        if error.code == 416:           # what is there is longer than the file
            discard(path)
            raise _Interrupted("the server has fewer bytes than were fetched before") from error
        words = f"the server answers {error.code} {_one_line(error.reason)}"
        raise (_Interrupted if error.code in TEMPORARY else DownloadError)(words) from error
    except MinigradError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        words = f"the connection failed ({_one_line(reason) or type(reason).__name__})"
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DownloadError(words) from error
        raise _Interrupted(words) from error
    except (ValueError, UnicodeError) as error:
        raise DownloadError(f"the address is not valid ({error})") from error


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())[:150]


def _receive(response: Any, url: str, path: Path, have: int, size: int | None, bar: tqdm) -> None:
    """Append what the server sends, or start anew with it."""
    have = _first_byte(response, path, have)
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        raise DownloadError("the server sends a web page")
    length = response.headers.get("Content-Length")
    total = have + int(length) if length and length.isdigit() else None
    if size is not None and total is not None and total != size:
        raise DownloadError(f"the server has {total:,} bytes, where {size:,} are right")
    total = total or size
    _note(path, _Version(url, _validator(response.headers), total))
    if total:
        bar.reset(total)
        bar.update(have)
    try:
        file = open(path, "r+b" if have else "wb")  # noqa: SIM115
    except OSError as error:
        raise WeightsError(f"cannot write {path}: {error.strerror}") from error
    with file:
        file.seek(have)
        have = _copy(response, file, path, have, min(total or MAX_BYTES, MAX_BYTES), bar)
    if total is not None and have < total:
        raise _Interrupted(f"the connection broke after {have:,} of {total:,} bytes")
    if have == 0:
        raise _Interrupted("the server sends nothing")


def _copy(response: Any, file: Any, path: Path, have: int, most: int, bar: tqdm) -> int:
    """Write block by block, so that what has come is there however it ends."""
    while block := response.read(BLOCK):
        if have == 0 and block.lstrip()[:1] == b"<":
            raise DownloadError("the server sends a web page")
        have += len(block)
        if have > most:
            raise DownloadError(f"the server sends more than {most:,} bytes")
        try:
            file.write(block)
            file.flush()
        except OSError as error:
            raise WeightsError(f"cannot write {path}: {error.strerror}") from error
        bar.update(len(block))
    with suppress(OSError):
        os.fsync(file.fileno())
    return have


def _first_byte(response: Any, path: Path, have: int) -> int:
    """Where the server's bytes belong; 0 where it ignores what was asked for."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if not match or int(match[1]) != have:
        discard(path)
        raise _Interrupted("the server sends another part than was asked for")
    return have


def _validator(headers: Any) -> str | None:
    """A strong ETag, or a date, by which the server can tell this version of the file."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


# ------------------------------------------------------------------------ the partial file


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _note(path: Path, version: _Version) -> None:
    write_atomically(_note_of(path), json.dumps(asdict(version)).encode(), WeightsError)


def _noted(path: Path) -> _Version:
    """What an earlier attempt noted; nothing where the note is missing or damaged."""
    try:
        return _Version(**json.loads(_note_of(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return _Version("")


def discard(path: Path) -> None:
    """Forget a partial file and its note."""
    for file in (path, _note_of(path)):
        with suppress(OSError):
            file.unlink()

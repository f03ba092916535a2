"""Download one file: resume after an interruption, and reject wrong content."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad.errors import MinigradError
from minigrad.version import __version__
from weights_converter.errors import DownloadError, WeightsError
from weights_converter.http_request import check_address, one_line, open_address
from weights_converter.http_response import BLOCK, LENGTH, Response, TooSlowError
from weights_converter.part_file import (
    Version,
    discard,
    length_of,
    make_regular,
    open_part,
    read_note,
    write_note,
)

PATIENCE = 4            # consecutive attempts without progress
MAX_ATTEMPTS = 200     # in total: a server may send one byte at a time
PAUSE = 0.5             # seconds before the next attempt; doubles each time
MAX_BYTES = 4 << 30

FOUND = (200, 203, 206)
TEMPORARY = (408, 425, 429, 500, 502, 503, 504)


class _Interrupted(Exception):
    """The connection broke; another attempt may succeed."""


class _TooSlow(_Interrupted):
    """Bytes came in, but too few to count as progress."""


def download(url: str, path: Path, size: int | None = None, quiet: bool = False) -> bool:
    """Fetch `url` into `path`, resuming an earlier attempt.

    Parameters
    ----------
    url : str
        http or https.
    path : Path
        The file to write. A partial file is kept, with a `.json` file about its origin beside it.
    size : int, optional
        The expected number of bytes.
    quiet : bool
        Hide the progress bar.

    Returns
    -------
    bool
        Whether the file contains bytes of an earlier run.

    Raises
    ------
    DownloadError
        The server cannot be reached, or does not have this file.
    WeightsError
        `path` cannot be written.
    """
    check_address(url)
    make_regular(path)
    resumed, note = length_of(path) > 0, read_note(path)
    if resumed and (note.url, note.size) == (url, length_of(path)):
        return True     # an earlier run completed it
    failures = 0
    with tqdm(total=size, unit="B", unit_scale=True, disable=quiet or None, leave=False,
              desc=Path(url).name[:40]) as bar:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            before = length_of(path)
            try:
                _attempt(url, path, size, bar)
                break
            except _Interrupted as error:
                progress = length_of(path) > before and not isinstance(error, _TooSlow)
                failures = 0 if progress else failures + 1
                if failures >= PATIENCE or attempt == MAX_ATTEMPTS:
                    times = f"{failures} times in a row" if failures else f"{attempt} times"
                    raise DownloadError(f"{error}, {times}") from error
                time.sleep(PAUSE * 2 ** (failures - 1))
    return resumed


def _attempt(url: str, path: Path, size: int | None, bar: tqdm) -> None:
    """Make one request, for the rest of the file if the server supports that."""
    offset, version = length_of(path), read_note(path)
    if not version.can_resume(url, size):
        offset = 0
    headers = {"User-Agent": f"minigrad-nst/{__version__}", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if version.validator:
            headers["If-Range"] = version.validator
    try:
        with open_address(url, headers) as response:
            _check_status(response, path)
            _receive(response, url, path, offset, size, bar)
    except MinigradError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        message = f"the connection failed ({one_line(reason) or type(reason).__name__})"
        if _is_final(reason):
            raise DownloadError(message) from error
        raise (_TooSlow if isinstance(reason, TooSlowError) else _Interrupted)(message) from error
    except (ValueError, OverflowError) as error:        # of ports and of names in other letters
        raise DownloadError("the address of the server or of a proxy is not valid "
                            f"({one_line(error)})") from error


def _check_status(response: Response, path: Path) -> None:
    """Check that the response contains the file; that of an error is never read."""
    if response.status == 416 and length_of(path):      # that is longer than the server's file
        discard(path)
        raise _Interrupted("the server has fewer bytes than were downloaded before")
    if response.status not in FOUND:
        message = f"the server responded with {response.status} {one_line(response.reason)}"
        raise (_Interrupted if response.status in TEMPORARY else DownloadError)(message.rstrip())


def _is_final(reason: object) -> bool:
    """Whether another attempt would fail in the same way."""
    unknown_host = isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME
    return unknown_host or isinstance(reason, ssl.SSLCertVerificationError | http.client.InvalidURL)


def _receive(response: Response, url: str, path: Path, offset: int, size: int | None, bar: tqdm
             ) -> None:
    """Append the response to the partial file, or start from the beginning."""
    offset = _first_byte(response, path, offset)
    if response.headers.get("content-type", "").lower().startswith("text/html"):
        raise DownloadError("the server sent a web page")
    total = None if response.length is None else offset + response.length
    if size is not None and total is not None and total != size:
        raise DownloadError(f"the server has {total:,} bytes, but {size:,} are expected")
    if total is not None and total > MAX_BYTES:
        raise DownloadError(f"the server has {total:,} bytes, more than the {MAX_BYTES:,} of any "
                            f"network")
    total = total or size
    write_note(path, Version(url, _validator(response.headers), total))
    if total:
        bar.reset(total)
        bar.update(offset)
    with open_part(path, offset) as file:
        offset = _copy(response, file, path, offset, min(total or MAX_BYTES, MAX_BYTES), bar)
    if total is not None and offset < total:
        raise _Interrupted(f"the connection broke after {offset:,} of {total:,} bytes")
    if offset == 0:
        raise _Interrupted("the server sent nothing")


def _copy(response: Response, file: Any, path: Path, offset: int, limit: int, bar: tqdm) -> int:
    """Write block by block, so that an interruption loses nothing."""
    while block := response.read(BLOCK):
        if offset == 0 and block.lstrip()[:1] == b"<":
            raise DownloadError("the server sent a web page")
        offset += len(block)
        if offset > limit:
            raise DownloadError(f"the server sent more than {limit:,} bytes")
        try:
            file.write(block)
            file.flush()
        except OSError as error:
            raise WeightsError(f"cannot write {path}: {error.strerror}") from error
        bar.update(len(block))
    with suppress(OSError):
        os.fsync(file.fileno())
    return offset


def _first_byte(response: Response, path: Path, offset: int) -> int:
    """Offset of the response in the file; 0 if the server ignores the requested range."""
    if response.status != 206:
        return 0
    match = re.match(f"bytes ({LENGTH})-", response.headers.get("content-range", ""))
    if not match or int(match[1]) != offset:
        discard(path)
        raise _Interrupted("the server sent another part than requested")
    return offset


def _validator(headers: Mapping[str, str]) -> str | None:
    """A strong ETag or a date that identifies this version of the file."""
    tag = headers.get("etag")
    return tag if tag and not tag.startswith("W/") else headers.get("last-modified")

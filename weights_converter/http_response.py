"""Read the response of an HTTP server that may mean harm: its head, then its body, piece by piece.

`http.client` trusts servers in ways that have no end: it skips any number of interim responses and
trailers, reads a chunk of size -1 until memory is full, and waits for ever for a header that comes
one byte at a time. Here every byte counts towards a limit, and so does every second of waiting.
"""

from __future__ import annotations

import io
import re
import socket
import time
from typing import Any

TIMEOUT = 30.0          # seconds without data
MAX_WAIT = 60.0         # seconds of waiting for a whole head, then for each part of a body:
PART = 1 << 15          # bytes
MAX_OVERHEAD = 1 << 16  # bytes outside the body, more in a body of chunks: an eighth of it
BLOCK = 1 << 17

LENGTH = "[0-9]{1,18}"  # of a body: Python's own test accepts other characters as digits, too


class ProtocolError(OSError):
    """The server does not speak HTTP/1, or sends too much around its file."""


class TooSlowError(OSError):
    """Data arrive, but so slowly that the end would never come."""


class _Incoming(io.RawIOBase):
    """The bytes that arrive at a socket; waiting for them is limited.

    Attributes
    ----------
    waited : float
        Seconds; whoever makes progress sets it back to 0.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waited = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = MAX_WAIT - self.waited
        if left <= 0:
            raise TooSlowError("the server is too slow")
        start = time.monotonic()
        self.sock.settimeout(min(TIMEOUT, left))
        try:
            return self.sock.recv_into(buffer)
        except TimeoutError:
            if left < TIMEOUT:
                raise TooSlowError("the server is too slow") from None
            raise
        finally:
            self.waited += time.monotonic() - start


class Response:
    """A response whose head has been read; `read` returns its body.

    Parameters
    ----------
    sock : socket
        Connected; a request was sent. The response closes it.

    Attributes
    ----------
    status : int
    reason : str
        The server's own words, which may be anything but line ends.
    headers : dict
        By names in lower case. Of several headers with one name, the first counts.
    length : int or None
        Bytes of the body, if the server says so.

    Raises
    ------
    ProtocolError, TooSlowError, OSError
        From here and from `read`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._incoming = _Incoming(sock)
        self._reader = io.BufferedReader(self._incoming, BLOCK)
        self._overhead = self._received = self._in_part = 0
        self.status, self.reason = self._status()
        while 100 <= self.status < 200:         # interim responses, without a body
            self._headers()
            self.status, self.reason = self._status()
        self.headers = self._headers()
        self._chunked = self._is_chunked()
        self.length = None if self._chunked else self._length()
        self._left = 0 if self._chunked else self.length    # of the body, or of a chunk

    def read(self, size: int) -> bytes:
        """The next bytes of the body, up to `size` and at most those that have arrived.

        Returns
        -------
        bytes
            Empty at the end, and where the connection breaks before `length` bytes.
        """
        if self._chunked and self._left == 0:
            self._left = self._next_chunk()
        if self._left == 0:
            return b""
        data = self._reader.read1(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(data)
        if self._chunked and not data:
            raise ProtocolError("the connection broke within a chunk")
        self._count(len(data))
        return data

    def close(self) -> None:
        """Close the connection; what was not read of the body is never read."""
        self._sock.close()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, size: int) -> None:
        self._received += size
        self._in_part += size
        if self._in_part >= PART:
            self._in_part, self._incoming.waited = 0, 0.0

    def _status(self) -> tuple[int, str]:
        match = re.fullmatch(r"HTTP/1\.[0-9] +([1-9][0-9]{2})(?: (.*))?", self._line())
        if not match:
            raise ProtocolError("the server does not answer in HTTP/1")
        return int(match[1]), match[2] or ""

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._line():
            name, colon, value = line.partition(":")
            if colon:
                headers.setdefault(name.strip().lower(), value.strip())
        return headers

    def _line(self) -> str:
        """The next line outside the body, without its end."""
        left = MAX_OVERHEAD + self._received // 8 - self._overhead
        line = self._reader.readline(max(left, 0))
        self._overhead += len(line)
        if not line.endswith(b"\n"):
            raise ProtocolError("the server sends too much around the file" if len(line) >= left
                                else "the connection broke within the answer")
        return line.rstrip(b"\r\n").decode("latin-1")

    def _is_chunked(self) -> bool:
        coding = self.headers.get("transfer-encoding", "identity").lower()
        if coding not in ("chunked", "identity"):
            raise ProtocolError("the server encodes the file in a way that was not asked for")
        return coding == "chunked"

    def _length(self) -> int | None:
        match = re.fullmatch(LENGTH, self.headers.get("content-length", ""))
        return int(match[0]) if match else None

    def _next_chunk(self) -> int:
        """The size of the next chunk. After the last one, whose size is 0, nothing is read."""
        if self._received and self._line():
            raise ProtocolError("a chunk is longer than its size")
        match = re.fullmatch(r"([0-9a-fA-F]{1,15})[ \t]*(;.*)?", self._line())
        if not match:
            raise ProtocolError("the size of a chunk is not a number")
        size = int(match[1], 16)
        self._chunked = size > 0
        return size

"""Ask a server for a file: connections, proxies, redirects.

Proxies are taken from the environment (`https_proxy` …) by urllib. Its handlers of redirects and of
errors are not used, because they read whole bodies into memory.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import string
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from weights_converter import http_response
from weights_converter.errors import DownloadError
from weights_converter.http_response import Response

REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 10
CONNECTING = 10         # times the timeout, for all addresses of a host together


def check_address(url: str) -> None:
    """Reject an address with a fault that no other attempt can fix.

    Raises
    ------
    DownloadError
    """
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise DownloadError("an address must begin with http:// or https://")
    if "@" in re.split("[/?#]", url, maxsplit=3)[2]:      # other messages would quote a password
        raise DownloadError("the address names a user, but this program logs in nowhere; leave "
                            "out what stands before the @")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise DownloadError(f"the address is not valid ({one_line(error)})") from error
    if not host:
        raise DownloadError("the address names no host")
    if "%" in parts.netloc:     # urllib would decode it, and find another host or port within
        raise DownloadError("the address has a % in its host; write the host's name in letters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise DownloadError("the address has characters that must be written as %XX")


def one_line(reason: object) -> str:
    """The text of an exception or of a server in one line, not too long."""
    return " ".join(str(reason).split())[:150]


def open_address(url: str, headers: Mapping[str, str]) -> Response:
    """Send a GET request and read the head of the response, after any redirects.

    Redirects lead to http and https only, and never from https to http.

    Raises
    ------
    DownloadError
        A redirect is not followed, or there are too many.
    OSError, http.client.HTTPException
        The connection failed; urllib's own errors name the reason.
    """
    opener = urllib.request.OpenerDirector()
    # Proxies of other schemes could lead to each other without end.
    proxies = {scheme: proxy for scheme, proxy in urllib.request.getproxies().items()
               if scheme in ("http", "https")}
    for handler in (urllib.request.ProxyHandler(proxies), urllib.request.UnknownHandler(),
                    _Handler()):
        opener.add_handler(handler)
    for _ in range(MAX_REDIRECTS + 1):
        request = urllib.request.Request(url, headers=dict(headers))
        response: Any = opener.open(request, timeout=http_response.TIMEOUT)
        target = response.headers.get("location")
        if response.status not in REDIRECTS or target is None:
            return response
        response.close()
        url = redirected(url, target)
    raise DownloadError(f"the server redirects more than {MAX_REDIRECTS} times")


def redirected(url: str, target: str) -> str:
    """The address that a redirect leads to.

    Parameters
    ----------
    url : str
        Where it comes from.
    target : str
        As the server wrote it: perhaps without a host, perhaps with characters to be quoted.

    Raises
    ------
    DownloadError
        It gives up encryption, leads away from the web, or is not an address.
    """
    try:
        new = urljoin(url, quote(target, string.punctuation, "latin-1"))
        schemes = urlsplit(url).scheme, urlsplit(new).scheme
    except ValueError as error:
        raise DownloadError("the server redirects to an address that is not valid") from error
    if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
        raise DownloadError(f"the server redirects from {schemes[0]} to {schemes[1][:20]}")
    try:
        check_address(new)
    except DownloadError as error:
        raise DownloadError(f"the server redirects, but {error}") from error
    return new


class _Connection(http.client.HTTPConnection):
    """A connection that is made, and answered by a proxy, within limits."""

    def __init__(self, host: str, **options: Any) -> None:
        super().__init__(host, **options)
        self.tunnel: tuple[str, Mapping[str, str]] | None = None

    def set_tunnel(self, host: str, port: int | None = None,
                   headers: Mapping[str, str] | None = None) -> None:
        """Note what is behind the proxy; urllib calls this for https."""
        self.tunnel = host, headers or {}

    def connect(self) -> None:
        self.sock = _connected(self.host, self.port, http_response.TIMEOUT)
        if self.tunnel is not None:
            _open_tunnel(self.sock, *self.tunnel)

    def getresponse(self) -> Any:
        response = Response(self.sock)
        self.sock = None            # the response has it now
        return response


class _SecureConnection(_Connection):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        behind = urlsplit(f"//{self.tunnel[0]}").hostname if self.tunnel else self.host
        self.sock.settimeout(http_response.TIMEOUT)     # for the whole handshake
        self.sock = context.wrap_socket(self.sock, server_hostname=behind)


class _Handler(urllib.request.AbstractHTTPHandler):
    """Opens both kinds of addresses, each with our connections."""

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_Connection, request)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(_SecureConnection, request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


def _connected(host: str, port: int, timeout: float) -> socket.socket:
    """Try the addresses of a host in turn, but not for ever: there may be thousands."""
    end = time.monotonic() + CONNECTING * timeout
    failure = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        try:
            return _connect(socket.socket(family, kind, protocol), address, timeout)
        except OSError as error:        # also where there are no sockets of this family
            failure = error
        if time.monotonic() > end:
            break
    raise failure


def _connect(sock: socket.socket, address: Any, timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _open_tunnel(sock: socket.socket, host: str, headers: Mapping[str, str]) -> None:
    """Ask a proxy for a connection with the host behind it.

    Raises
    ------
    OSError
        It refuses.
    """
    lines = [f"CONNECT {host} HTTP/1.1", f"Host: {host}",
             *(f"{name}: {value}" for name, value in headers.items())]
    sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))
    answer = Response(sock)
    if answer.status != 200:
        raise OSError(f"the proxy responded with {answer.status} {one_line(answer.reason)}")

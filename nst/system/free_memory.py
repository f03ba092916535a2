"""The memory that this process uses, and the memory that is available to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from minigrad import cuda

try:
    import resource
except ImportError:             # on Windows and in WebAssembly
    resource = None             # type: ignore[assignment]

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def used() -> int:
    """Return the bytes of memory that this process uses; 0 if unknown."""
    return _kilobytes(PROC / "self/status", "VmRSS") or 0


def available(device: str = "cpu") -> int | None:
    """Return the bytes available to this process: the minimum over all limits; None if unknown.

    On the host the limits are the system's available memory, those of control groups (containers)
    and `ulimit -v`.
    """
    if device != "cpu":
        return cuda.memory_available(device) + cuda.memory_allocated(device)
    limits = [_kilobytes(PROC / "meminfo", "MemAvailable"), *_group_limits(),
              _address_space_limit()]
    return min((free for free in limits if free is not None), default=None)


def _kilobytes(path: Path, key: str) -> int | None:
    text = _text(path)
    match = re.search(rf"^{key}:\s+(\d+) kB", text or "", re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _address_space_limit() -> int | None:
    if resource is None:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    size = _kilobytes(PROC / "self/status", "VmSize")
    if not limit or limit == resource.RLIM_INFINITY or size is None:
        return None
    return max(0, limit - size)


def _group_limits() -> Iterator[int]:
    """Yield the free memory in each control group of this process and in their parents."""
    for line in (_text(PROC / "self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names = CGROUPS, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            names = (CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                     "total_inactive_file")
        else:
            continue
        root, limit, usage, cache = names
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            free = _group_limit(folder, limit, usage, cache)
            if free is not None:
                yield free
            if folder == root:
                break


def _group_limit(folder: Path, limit: str, usage: str, cache: str) -> int | None:
    maximum, used = _text(folder / limit), _text(folder / usage)
    if not (maximum and used and maximum.strip().isdigit()):
        return None             # no such file, or the limit is "max"
    # The file cache counts as used, although the system reclaims it when necessary.
    cached = re.search(rf"^{cache} (\d+)", _text(folder / "memory.stat") or "", re.MULTILINE)
    return max(0, int(maximum) - int(used) + (int(cached[1]) if cached else 0))


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None

"""How much memory a program can still have, and how much it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from minigrad import cuda

try:
    import resource
except ImportError:             # not on Windows
    resource = None

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def used() -> int:
    """Bytes of memory that this process takes now; 0 where the system does not say."""
    return _kilobytes(PROC / "self/status", "VmRSS") or 0


def available(device: str = "cpu") -> int | None:
    """Bytes that this process can still get: the least that any limit leaves.

    On the host these are what the system has available, the limits of the control groups
    (containers) and `ulimit -v`. None where the system does not say.
    """
    if device != "cpu":
        return cuda.memory_available(device) + cuda.memory_allocated(device)
    found = [_kilobytes(PROC / "meminfo", "MemAvailable"), *_of_groups(), _of_address_space()]
    return min((room for room in found if room is not None), default=None)


def _kilobytes(path: Path, key: str) -> int | None:
    text = _text(path)
    found = text and re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _of_address_space() -> int | None:
    limit = resource and resource.getrlimit(resource.RLIMIT_AS)[0]
    size = _kilobytes(PROC / "self/status", "VmSize")
    if not limit or limit == resource.RLIM_INFINITY or size is None:
        return None
    return max(0, limit - size)


def _of_groups() -> Iterator[int]:
    """What each control group of this process, and each above it, leaves."""
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
            room = _of_group(folder, limit, usage, cache)
            if room is not None:
                yield room
            if folder == root:
                break


def _of_group(folder: Path, limit: str, usage: str, cache: str) -> int | None:
    most, now = _text(folder / limit), _text(folder / usage)
    if not (most and now and most.strip().isdigit()):
        return None             # there is no such file, or the limit is "max"
    # Files that were read and may be forgotten count as used, but are given up when need be.
    spare = re.search(rf"^{cache} (\d+)", _text(folder / "memory.stat") or "", re.MULTILINE)
    return max(0, int(most) - int(now) + (int(spare[1]) if spare else 0))


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None

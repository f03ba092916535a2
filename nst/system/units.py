"""Amounts of memory and time as text."""

from __future__ import annotations


def in_bytes(count: int) -> str:
    """An amount of memory, as in 850 MB or 3.2 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def in_time(seconds: float) -> str:
    """A duration, as in 12 s, 3 min or 2.5 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"

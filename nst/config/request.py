"""What is asked for: the command line, the configuration file and the preset put together."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from minigrad.errors import ArgumentError
from nst.config import toml, validators
from nst.config.options import FIELDS
from nst.config.presets import DEFAULT
from nst.config.settings import Settings

NOTHING = "-"           # in the place of CONTENT: there is none


@dataclass(frozen=True)
class Request:
    """Everything that the command line can say, checked.

    Attributes
    ----------
    content : str or None
    style : tuple of str
    output : Path
    report : Path or None
        Where a page about the run goes.
    save_every, checkpoint_every : int or None
        Iterations between two pictures, between two checkpoints.
    resume : bool
        Go on from the checkpoint, if there is one.
    config : Path or None
        The file that the options came from.
    """

    content: str | None
    style: tuple[str, ...]
    output: Path
    report: Path | None
    preset: str
    save_every: int | None
    checkpoint_every: int | None
    resume: bool
    quiet: bool
    config: Path | None
    settings: Settings

    def effective(self) -> dict[str, Any]:
        """All that was in effect, by name, as a configuration file holds it."""
        style = self.style[0] if len(self.style) == 1 else list(self.style)
        return {"content": self.content, "style": style or None, "output": str(self.output),
                "report": None if self.report is None else str(self.report),
                "preset": self.preset, "save_every": self.save_every,
                "checkpoint_every": self.checkpoint_every, "quiet": self.quiet,
                **{field.name: getattr(self.settings, field.name)
                   for field in fields(self.settings)}}


def gather(given: Namespace) -> dict[str, Any]:
    """What the command line and its configuration file say, by name; the former beats the latter.

    Raises
    ------
    FileError, ArgumentError
        The configuration cannot be read or has an unknown key; a picture is missing.
    """
    said = dict(vars(given))
    pictures = said.pop("pictures", [])
    found = toml.read(Path(said["config"])) if "config" in said else {}
    found.update(said)
    if pictures:
        found.update(_roles(pictures, found))
    return found


def _roles(pictures: list[str], found: Mapping[str, Any]) -> dict[str, Any]:
    """Which of the pictures named is the content, and which are styles."""
    content, *style = pictures
    if style:
        return {"content": None if content == NOTHING else content, "style": style}
    if found.get("content_weight") == 0:
        return {"content": None, "style": [content]}
    if found.get("style_weight") == 0:
        return {"content": content, "style": []}
    raise ArgumentError(f"CONTENT is {content}, but STYLE is missing; give both pictures, or "
                        f"neither for the demonstration")


def complete(found: Mapping[str, Any], **fallback: Any) -> Request:
    """The request; what is not said comes from ``fallback``, then from the preset.

    Raises
    ------
    ArgumentError
        An option has an impossible value, or the output is missing.
    """
    if found.get("output") is None:
        raise ArgumentError("-o OUT.png is missing: it says where the result goes")
    style = found.get("style") or ()
    return Request(
        content=_path("content", found.get("content")),
        style=tuple(_path("style", one) for one in (style if isinstance(style, (list, tuple))
                                                    else [style])),
        output=Path(_path("output", found["output"])),
        report=_path("report", found.get("report")) and Path(found["report"]),
        preset=found.get("preset", DEFAULT),
        save_every=_every("save_every", found), checkpoint_every=_every("checkpoint_every", found),
        resume=found.get("resume", False),
        quiet=validators.boolean("quiet", found.get("quiet", False)),
        config=Path(found["config"]) if "config" in found else None,
        settings=settings(found, **fallback))


def settings(found: Mapping[str, Any], **fallback: Any) -> Settings:
    """The settings alone, from what `gather` found; the rest as for `complete`."""
    chosen = {name: value for name, value in found.items() if name in FIELDS}
    return Settings.preset(found.get("preset", DEFAULT), **{**fallback, **chosen})


def _every(name: str, found: Mapping[str, Any]) -> int | None:
    count = found.get(name)
    return None if count is None else validators.integer(validators.option_name(name), count, 1)


def _path(name: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, (str, Path)):
        raise ArgumentError(f"{name} is the name of a picture, not {value!r}")
    return None if value is None else str(value)

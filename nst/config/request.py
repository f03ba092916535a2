"""A request: the command line, the configuration file and the preset combined."""

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

NO_CONTENT = "-"        # written for CONTENT where there is none


@dataclass(frozen=True)
class Request:
    """One run, with all its options checked.

    Attributes
    ----------
    content : str or None
    style : tuple of str
    output : Path
    report : Path or None
        Where to write a page about the run.
    preset : str
    save_every, checkpoint_every : int or None
        Number of iterations between two pictures, and between two checkpoints.
    resume : bool
        Continue from the checkpoint, if there is one.
    overwrite : bool
        Replace files that are there already.
    quiet : bool
    config : Path or None
        The configuration file.
    settings : Settings
    """

    content: str | None
    style: tuple[str, ...]
    output: Path
    report: Path | None
    preset: str
    save_every: int | None
    checkpoint_every: int | None
    resume: bool
    overwrite: bool
    quiet: bool
    config: Path | None
    settings: Settings

    def effective(self) -> dict[str, Any]:
        """Return all options in effect, by name, as in a configuration file."""
        style = self.style[0] if len(self.style) == 1 else list(self.style)
        return {"content": self.content, "style": style or None, "output": str(self.output),
                "report": None if self.report is None else str(self.report),
                "preset": self.preset, "save_every": self.save_every,
                "checkpoint_every": self.checkpoint_every, "quiet": self.quiet,
                **{field.name: getattr(self.settings, field.name)
                   for field in fields(self.settings)}}


def parse(arguments: Namespace) -> dict[str, Any]:
    """Return the options of the command line and of its configuration file, by name.

    The command line overrides the file.

    Raises
    ------
    FileError, ArgumentError
        The configuration cannot be read or has an unknown key; a picture is missing.
    """
    command_line = dict(vars(arguments))
    pictures = command_line.pop("pictures", [])
    options = toml.read(Path(command_line["config"])) if "config" in command_line else {}
    options.update(command_line)
    if pictures:
        options.update(_roles(pictures, options))
    _check_lists(command_line, options)
    return options


def _check_lists(command_line: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check that no option of several names has taken the pictures as well."""
    style = options.get("style") or ()
    count = len(style) if isinstance(style, (list, tuple)) else 1
    for name in ("region_masks", "style_masks"):
        if len(command_line.get(name, ())) > max(count, 1) and count < 2:
            taker = f"--{validators.option_name(name)}"
            raise ArgumentError(
                f"{taker} has {len(command_line[name])} entries, more than there are style "
                f"pictures: it takes all names that follow it, so name CONTENT and STYLE before "
                f"it, or after a --")


def _roles(pictures: list[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pictures by role: the content and the styles."""
    content, *style = pictures
    if style:
        return {"content": None if content == NO_CONTENT else content, "style": style}
    if options.get("content_weight") == 0:
        return {"content": None, "style": [content]}
    if options.get("style_weight") == 0:
        return {"content": content, "style": []}
    raise ArgumentError(f"CONTENT is {content}, but STYLE is missing; give both pictures, or "
                        f"neither for the demonstration")


def resolve(options: Mapping[str, Any], **defaults: Any) -> Request:
    """Return the request; missing options come from `defaults`, then from the preset.

    Raises
    ------
    ArgumentError
        An option has an invalid value, or the output is missing.
    """
    output = _path("output", options.get("output"))
    if output is None:
        raise ArgumentError("-o OUT.png is missing; it names the file for the result")
    report, config = _path("report", options.get("report")), options.get("config")
    style = options.get("style") or ()
    styles = [_path("style", name)
              for name in (style if isinstance(style, (list, tuple)) else [style])]
    return Request(
        content=_path("content", options.get("content")),
        style=tuple(name for name in styles if name is not None), output=Path(output),
        report=None if report is None else Path(report),
        preset=options.get("preset", DEFAULT),
        save_every=_interval("save_every", options),
        checkpoint_every=_interval("checkpoint_every", options),
        resume=options.get("resume", False),
        overwrite=options.get("overwrite", False),
        quiet=validators.boolean("quiet", options.get("quiet", False)),
        config=None if config is None else Path(config),
        settings=settings(options, **defaults))


def settings(options: Mapping[str, Any], **defaults: Any) -> Settings:
    """Return the settings alone, from the options that `parse` returned; see `resolve`."""
    chosen = {name: value for name, value in options.items() if name in FIELDS}
    return Settings.preset(options.get("preset", DEFAULT), **{**defaults, **chosen})


def _interval(name: str, options: Mapping[str, Any]) -> int | None:
    count = options.get(name)
    return None if count is None else validators.integer(validators.option_name(name), count, 1)


def _path(name: str, value: Any) -> str | None:
    if value == "":
        raise ArgumentError(f"{name} is an empty name; name a file")
    return None if value is None else str(validators.file_name(name, value))

"""`python -m course`: learn backpropagation by building it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from course import commands
from course.workplace import Workplace
from minigrad.command_line import Parser
from minigrad.errors import MinigradError

FOLDER = "backpropagation"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status.

    0: done; 1: a check did not pass; 2: a usage error, explained in one sentence.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")    # a terminal without · must not end the program
    try:
        status = _run(_parser().parse_args(arguments))
        sys.stdout.flush()
        return status
    except MinigradError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("course: ended", file=sys.stderr)
        return 130
    except BrokenPipeError:                         # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: argparse.Namespace) -> int:
    place = Workplace(options.folder)
    match options.command:
        case "start":
            return commands.start(place, options.step, options.again)
        case "check":
            return commands.check(place, options.step, options.file)
        case "hint":
            return commands.hint(place, options.step, options.which)
        case "solution":
            return commands.solution(options.step, options.difference)
        case "bug":
            return commands.bug(place, options.bug, options.line)
        case "progress":
            return commands.progress(place)
        case "watch":
            return commands.watch(place, options.step)
    return commands.list_steps(place)


def _parser() -> Parser:
    parser = Parser(hint=" (see --help)", prog="python -m course", description="Learn "
                    "backpropagation by building it. Each step has a page to read and an exercise, "
                    "which is checked.", epilog="Begin with: python -m course start 1")
    parser.add_argument("--folder", type=Path, metavar="DIR",
                        default=Path(os.environ.get("COURSE_FOLDER", FOLDER)),
                        help=f"where your files are (default: {FOLDER}, or the environment "
                        f"variable COURSE_FOLDER)")
    known = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, what: str, step: str = "") -> argparse.ArgumentParser:
        result = known.add_parser(name, help=what, description=what, hint=f" (see {name} --help)")
        if step:
            result.add_argument("step", type=_number, metavar="N", help="number of the step",
                                nargs="?" if step == "optional" else None)
        return result

    command("list", "list the steps and how far you are")
    start = command("start", "write the exercise file of a step into your folder", "needed")
    start.add_argument("--again", action="store_true",
                       help="write a fresh copy beside the existing file")
    check = command("check", "check your file of a step (default: the one changed last)",
                    "optional")
    check.add_argument("--file", type=Path, metavar="FILE", help="check this file instead")
    hint = command("hint", "print the next of three hints", "needed")
    hint.add_argument("which", type=_hint, nargs="?", metavar="K", help="this hint: 1, 2 or 3")
    solution = command("solution", "print the engine with the step solved", "needed")
    solution.add_argument("--difference", action="store_true",
                          help="print what the step changes instead")
    bug = command("bug", "list the planted bugs, or write one into your folder")
    bug.add_argument("bug", type=_number, nargs="?", metavar="K", help="number of the bug")
    bug.add_argument("--line", type=_number, metavar="L", help="the line that you think is wrong")
    command("progress", "print how far you have come")
    command("watch", "check your file each time that you save it", "optional")
    return parser


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number such as 1")
    return int(text)


def _hint(text: str) -> int:
    if text not in ("1", "2", "3"):
        raise argparse.ArgumentTypeError(f"the hints are 1, 2 and 3, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""The argument parser of all programs: errors are exceptions, and unknown options get a hint."""

import argparse

import pytest

from minigrad.command_line import Parser, did_you_mean
from minigrad.errors import ArgumentError


@pytest.fixture
def parser():
    made = Parser(prog="program", hint="; see --help")
    made.add_argument("--size", type=int)
    return made


@pytest.mark.parametrize("arguments, message", [
    (["--sise", "3"], "there is no option --sise; did you mean --size?; see --help"),
    (["--xyz"], "there is no option --xyz; see --help"),
    (["--siz", "3"], "there is no option --siz; did you mean --size?; see --help"),
    (["--size", "large"], "argument --size: invalid int value: 'large'; see --help"),
    (["extra"], "unrecognized arguments: extra; see --help"),
])
def test_errors_are_raised(parser, arguments, message):
    with pytest.raises(ArgumentError) as error:
        parser.parse_args(arguments)
    assert str(error.value) == message


def test_parsers_of_commands_are_alike(parser):
    command = parser.add_subparsers().add_parser("paint", hint=" (see paint --help)")
    assert isinstance(command, Parser)
    with pytest.raises(ArgumentError, match=r"expected one argument \(see paint --help\)$"):
        command.add_argument("--size")
        parser.parse_args(["paint", "--size"])


def test_the_layout_of_the_help_is_kept():
    text = Parser(prog="program", description="first\n  second").format_help()
    assert "first\n  second" in text
    wrapped = Parser(prog="program", description="first\n  second",
                     formatter_class=argparse.HelpFormatter).format_help()
    assert "first second" in wrapped


def test_suggestions():
    assert did_you_mean("colour", ["color", "size"]) == "; did you mean color?"
    assert did_you_mean("x", iter(["color", "size"])) == ""

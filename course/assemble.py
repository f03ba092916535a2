"""Join what the steps add into one engine file, with the holes of an exercise open or filled.

A step's `engine.py` holds only what the step adds or changes. Joined to the engine of the step
before,

- a definition replaces the one of the same name, at its place; a new one goes to the end, or below
  or above another one, as a comment says: `# after: multiply`, `# before: __init__`;
- of a class only the members that are given are replaced or added;
- imports are united; `del name` takes a definition or an import away, unless code of the reader's
  own still uses it.

So the difference between two steps is written once, as the step itself. A hole is written around
the lines that solve it, and the comment lines below its first line belong to its text:

    # hole: what the reader shall write,
    # in one or several lines
    return (f(x + h) - f(x - h)) / (2 * h)
    # end
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from course.errors import AssemblyError

_PLACE = re.compile(r"^\s*# (after|before): (\S+)$")
_HOLE = re.compile(r"^(\s*)# hole: (.*)$")
_OPEN = re.compile(r"# Hole \d+: ")
_END = re.compile(r"^\s*# end$")


@dataclass
class Part:
    """One definition, or one member of a class.

    Attributes
    ----------
    name : of the definition; for a call such as `add.derivative(…)` what stands before the bracket.
    text : its lines, comments above it included.
    place : ("after" or "before", the definition that it goes below or above), or None.
    members : of a class, by name, in order; `text` is then its head: decorators, name, docstring.
    """

    name: str
    text: str
    place: tuple[str, str] | None = None
    members: dict[str, Part] | None = None
    removed: bool = False


@dataclass
class Engine:
    """A file in parts: imports and definitions, in order."""

    imports: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)

    def joined(self, addition: Engine) -> Engine:
        """This engine with the parts of a further step."""
        used = self._still_used(addition)
        gone = {f"import {name}" for name, part in addition.parts.items()
                if part.removed and name not in used}
        imports = [line for line in self.imports if line not in gone]
        parts = {name: part for name, part in addition.parts.items()
                 if not (part.removed and (f"import {name}" in self.imports or name in used))}
        return Engine(imports + [line for line in addition.imports if line not in imports],
                      _joined(self.parts, parts))

    def _still_used(self, addition: Engine) -> set[str]:
        """What a step takes away although definitions that stay use it: the reader's own code."""
        removed = {name for name, part in addition.parts.items() if part.removed}
        if not removed:
            return set()
        parts = _joined(self.parts, {name: part for name, part in addition.parts.items()
                                     if not part.removed})
        uses = {name: {node.id for node in ast.walk(ast.parse(_text(part)))
                       if isinstance(node, ast.Name)} for name, part in parts.items()}
        used: set[str] = set()
        while True:
            staying = set().union(*(names for name, names in uses.items()
                                    if name not in removed - used))
            more = {name for name in removed - used if name.partition(".")[0] in staying}
            if not more:
                return used
            used |= more

    def source(self, docstring: str) -> str:
        """The file. Imports are sorted, the standard library first."""
        text = f'"""{docstring}"""\n'
        if self.imports:
            plain = sorted(line for line in self.imports if "numpy" not in line)
            arrays = sorted(line for line in self.imports if "numpy" in line)
            text += "\n" + "\n\n".join("\n".join(group) for group in (plain, arrays) if group)
            text += "\n"
        former = ""
        for part in self.parts.values():
            text += _gap(former, part.text, part.members is not None) + _text(part) + "\n"
            former = _text(part)
        return text


def _gap(former: str, text: str, is_class: bool) -> str:
    """Blank lines between two definitions: none between one-line ones, two around long ones."""
    short = "\n" not in former and "\n" not in text and not is_class
    return "" if former and short else "\n" if short else "\n\n"


def _text(part: Part) -> str:
    if part.members is None:
        return part.text
    pieces, former = [part.text], part.text
    for member in part.members.values():
        short = "\n" not in member.text and "\n" not in former
        pieces.append(member.text if short else "\n" + member.text)
        former = member.text
    return "\n".join(pieces)


def _joined(base: dict[str, Part], addition: dict[str, Part]) -> dict[str, Part]:
    result = dict(base)
    for name, part in addition.items():
        if part.removed:
            if name not in result:
                raise AssemblyError(f"`del {name}` takes away what is not there")
            del result[name]
        elif name in result:
            result[name] = _replaced(result[name], part)
        else:
            result[name] = part
            if part.place:
                result = _moved(result, name, *part.place)
    return result


def _replaced(old: Part, new: Part) -> Part:
    if old.members is None or new.members is None:
        return new
    head = new.text if '"""' in new.text else old.text
    return Part(old.name, head, None, _joined(old.members, new.members))


def _moved(parts: dict[str, Part], name: str, side: str, other: str) -> dict[str, Part]:
    if other not in parts:
        raise AssemblyError(f"{name} shall go {side} {other}, which is not there")
    order = [key for key in parts if key != name]
    order.insert(order.index(other) + (side == "after"), name)
    return {key: parts[key] for key in order}


def parse(source: str) -> Engine:
    """The parts of a file.

    Raises
    ------
    AssemblyError
        A statement that is no import, definition, assignment to one name, call or `del`.
    """
    tree, lines = ast.parse(source), source.splitlines()
    engine, first = Engine(), 1
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            engine.imports.append(ast.unparse(node))
        elif not _is_docstring(node):
            for part in _parts(node, lines, first):
                engine.parts[part.name] = part
        first = (node.end_lineno or node.lineno) + 1
    return engine


def _is_docstring(node: ast.stmt) -> bool:
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str))


def _parts(node: ast.stmt, lines: list[str], first: int) -> Iterable[Part]:
    """The parts that one statement makes; `first` is the first line after the one before."""
    if isinstance(node, ast.Delete):
        return [Part(ast.unparse(target), "", removed=True) for target in node.targets]
    name = _name(node)
    above, place = _comments(lines, first, _start(node))
    if not isinstance(node, ast.ClassDef):
        body = lines[_start(node) - 1:_last(node, lines)]
        return [Part(name, "\n".join([*above, *body]), place)]
    members: dict[str, Part] = {}
    body_nodes = list(node.body)
    head_end = node.body[0].lineno - 1
    if _is_docstring(body_nodes[0]):
        head_end = body_nodes.pop(0).end_lineno or head_end
    else:
        head_end = _start(node.body[0]) - 1
        while lines[head_end - 1].strip().startswith("#") or not lines[head_end - 1].strip():
            head_end -= 1
    begin = head_end + 1
    for member in body_nodes:
        for part in _parts(member, lines, begin):
            members[part.name] = part
        begin = _last(member, lines) + 1
    return [Part(name, "\n".join([*above, *lines[_start(node) - 1:head_end]]), place, members)]


def _name(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return ast.unparse(node.targets[0])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func)
    raise AssemblyError(f"line {node.lineno}: a step holds imports, definitions, assignments to "
                        f"one name and calls, not `{ast.unparse(node).splitlines()[0]}`")


def _start(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _last(node: ast.stmt, lines: list[str]) -> int:
    """The last line of a definition, with the end of a hole that closes it."""
    last = node.end_lineno or node.lineno
    return last + 1 if last < len(lines) and _END.match(lines[last]) else last


def _comments(lines: list[str], first: int, start: int
              ) -> tuple[list[str], tuple[str, str] | None]:
    """The comment lines right above a definition, and the place that one of them names."""
    begin = start
    while begin > first and lines[begin - 2].strip().startswith("#") \
            and not _END.match(lines[begin - 2]):
        begin -= 1
    above = lines[begin - 1:start - 1]
    places = [(match[1], match[2]) for line in above if (match := _PLACE.match(line))]
    return [line for line in above if not _PLACE.match(line)], places[0] if places else None


def filled(source: str) -> str:
    """The source without the marks of its holes: the solution."""
    kept, heading = [], False
    for line in source.splitlines():
        if _HOLE.match(line):
            heading = True
        elif heading and line.strip().startswith("#"):
            continue
        elif not _END.match(line):
            heading = False
            kept.append(line)
    return "\n".join(kept) + "\n"


def opened(source: str) -> str:
    """The source with its holes open: the exercise. The holes are numbered from 1."""
    kept: list[str] = []
    number, inside, heading = 0, False, False
    for line in source.splitlines():
        hole = _HOLE.match(line)
        if hole:
            number, inside, heading = number + 1, True, True
            indent = hole[1]
            kept.append(f"{indent}# Hole {number}: {hole[2]}")
        elif inside and heading and line.strip().startswith("#") and not _END.match(line):
            kept.append(line)
        elif inside and _END.match(line):
            kept.append(f'{indent}raise NotImplementedError("hole {number}")')
            inside = False
        elif inside:
            heading = False
        else:
            kept.append(line)
    return "\n".join(kept) + "\n"


def texts_of_holes(opened_source: str) -> set[str]:
    """The comment lines with which the holes of an exercise begin."""
    texts: set[str] = set()
    inside = False
    for line in map(str.strip, opened_source.splitlines()):
        inside = bool(_OPEN.match(line)) or (inside and line.startswith("#"))
        if inside:
            texts.add(line)
    return texts


def without_lines(source: str, lines: set[str]) -> str:
    """The source without lines that are, but for their indentation, among these."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in lines) + "\n"


def number_of_holes(source: str) -> int:
    """How many holes a source has."""
    return sum(bool(_HOLE.match(line)) for line in source.splitlines())

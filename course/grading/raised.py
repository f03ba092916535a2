"""What a reader's code raised: the line, the expression that failed, and what stands in it.

It runs in the process of the reader's code and only looks: no function is called.
"""

import ast
import itertools
import types

import numpy as np

_LONGEST = 60           # characters of an expression that a sentence can hold
_MOST = 4               # values that it can tell of


def failure(error, name, source):
    """The error as plain data.

    name, source : of the reader's file. The last of its lines that was on the way is told.
    """
    line, function, caller, deepest, inner = None, "", None, None, None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename == name:
            caller, line, function, inner = line, step.tb_lineno, code.co_name, step
        deepest = code.co_filename
        step = step.tb_next
    expression, values = _looked_at(inner, source) if inner is not None else ("", [])
    return {"type": type(error).__name__, "message": str(error)[:300], "line": line,
            "function": function, "caller": caller if function == "<lambda>" else None,
            "outside": deepest in ("<probes>", "<string>"), "expression": expression,
            "values": values}


def _looked_at(step, source):
    """The text of the expression that failed, and pairs of a name in it and what it stands for."""
    frame = step.tb_frame
    place = next(itertools.islice(frame.f_code.co_positions(), step.tb_lasti // 2, None), ())
    if not place or None in place:
        return "", []
    first, last, left, right = place
    lines = [line.encode() for line in source.splitlines()[first - 1:last]]
    lines[-1] = lines[-1][:right]
    lines[0] = lines[0][left:]
    text = " ".join(b" ".join(line.strip() for line in lines).decode(errors="replace").split())
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return "", []
    known = {**frame.f_globals, **frame.f_locals}
    values = dict(found for node in _named(tree) if (found := _value(node, known)))
    for node in ast.walk(tree):         # that what is called is a function goes without saying
        if isinstance(node, ast.Call) and values.get(ast.unparse(node.func)) == "a function":
            del values[ast.unparse(node.func)]
    return text if len(text) <= _LONGEST else "", [list(pair) for pair in values.items()][:_MOST]


def _named(node):
    """The names and attributes in an expression, but for what is only called."""
    if isinstance(node, ast.Call):
        called = node.func
        parts = [called.value] if isinstance(called, ast.Attribute) else [called]
        for part in [*parts, *node.args, *(keyword.value for keyword in node.keywords)]:
            yield from _named(part)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        yield node
    elif not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _named(child)


def _value(node, known):
    """The longest beginning of `a.b.c` that has a value, and what it is; None if there is none."""
    if isinstance(node, ast.Name):
        found = _told(known[node.id]) if node.id in known else ""
        return (node.id, found) if found else None
    names, base = [], node
    while isinstance(base, ast.Attribute):
        names.insert(0, base.attr)
        base = base.value
    if not isinstance(base, ast.Name) or base.id not in known:
        return None
    text, value = base.id, known[base.id]
    for name in names:
        try:
            value = inspected(value, name)
        except AttributeError:
            break
        text += "." + name
    found = _told(value)
    return (text, found) if found else None


def inspected(value, name):
    """An attribute of a Tensor or an array, of which none computes anything."""
    if isinstance(value, types.ModuleType):
        raise AttributeError
    return getattr(value, name)


def _told(value):
    """What a value is, as the end of a sentence; empty where that says nothing."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" + (" of bools" if value.dtype == bool else "")
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    if isinstance(value, (int, float, complex, np.number)):
        return f"the number {value:.4g}"
    if isinstance(value, tuple) and len(value) < 6 and all(isinstance(n, int) for n in value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"a {'list' if isinstance(value, list) else 'tuple'} of {len(value)}"
    if isinstance(value, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)):
        return "a function"
    if isinstance(value, (str, dict, set, type, types.ModuleType)) or callable(value):
        return ""
    return f"a {type(value).__name__}"

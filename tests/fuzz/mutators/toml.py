"""Changes of configuration files: one value, one key or one line, or the bytes."""

from __future__ import annotations

from random import Random

from tests.fuzz.mutators.basic import Leaf

VALUES = ("0", "-1", "1e400", "nan", "-inf", "1" * 300, "0x7fffffffffffffff", "9" * 19, "0.5",
          "true", '""', '"auto"', '"a\\nb\\u001b[2J"', '"../../x"', '"relu9_9"', '"random:-1"',
          '"random:99999999999999999999"', "[]", "[1]", "[[[]]]", "{}", "{relu1_1 = -1}",
          '{"" = 1}', "{a = {b = 1}}", '["a", 1]', "1979-05-27", "07:32:00", '"\\U0010FFFF"',
          "[" * 500, "{a=" * 300, "[" + "1," * 300 + "]", '"' + "x" * 5000 + '"')


def mutate_toml(random: Random, data: bytes, leaf: Leaf) -> bytes:
    """Change a file of `key = value` lines."""
    if random.random() < 0.3:
        return leaf(random, data)
    lines = data.decode("utf-8", "replace").split("\n")
    at = random.randrange(len(lines))
    key, _, value = lines[at].partition(" = ")
    other = random.choice(lines).partition(" = ")
    match random.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, random.choice(lines))
        case 2:
            lines[at] = f"{other[0]} = {value}"
        case 3:
            lines[at] = f"{key} = {other[2]}"
        case 4:
            lines[at] = f"{leaf(random, key.encode()).decode('utf-8', 'replace')} = {value}"
        case _:
            lines[at] = f"{key} = {random.choice(VALUES)}"
    return "\n".join(lines).encode("utf-8", "replace")

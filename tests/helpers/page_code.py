"""Run the code of a page, and hold it to what the page says it prints.

What a block prints is promised by ``# ...`` after ``print(...)``, or by a text block right after
it, in which ``...`` stands for anything.
"""

import linecache
import re


def promised(block, text):
    """The lines that a block is said to print."""
    return re.findall(r"print\(.*\)\s*# (.*)", block) + text.splitlines()


def agrees(printed, line):
    return re.fullmatch(re.escape(line).replace(re.escape("..."), ".*"), printed)


def run_blocks(page, blocks, capsys):
    """Run blocks, as (line of the page, code, promised text), in one namespace; returns it."""
    namespace = {"__name__": page}
    for line, block, text in blocks:
        where = f"{page}:{line}"
        # Let tracebacks, trace() and gradcheck() find the source of what is defined here.
        linecache.cache[where] = (len(block), None, block.splitlines(keepends=True), where)
        exec(compile(block, where, "exec"), namespace)
        printed, lines = capsys.readouterr().out.splitlines(), promised(block, text)
        assert len(printed) == len(lines) and all(map(agrees, printed, lines)), (
            f"{where} prints\n" + "\n".join(printed) + "\nbut promises\n" + "\n".join(lines))
    return namespace

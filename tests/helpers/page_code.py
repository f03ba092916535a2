"""Run the code of a page, and hold it to what the page says it prints.

What a block prints is promised by ``# ...`` after ``print(...)``, or by a text block right after
it, in which ``...`` stands for anything.
"""

import importlib.util
import linecache
import os
import re

from tools.site import outputs


def promised(block, text):
    """The lines that a block is said to print."""
    return re.findall(r"print\(.*\)\s*# (.*)", block) + text.splitlines()


def agrees(printed, line):
    return re.fullmatch(re.escape(line).replace(re.escape("..."), ".*"), printed)


def is_plain(block):
    """Whether a block needs no other framework."""
    return not block.framework


def can_run(block):
    return is_plain(block) or importlib.util.find_spec(block.framework) is not None


def run_page(page, capsys, chosen, prepare=lambda code: code):
    """Run the chosen blocks of a page in one namespace, which is returned.

    The site's record of what they print is held to them; with WRITE_OUTPUTS=1 in the environment
    it is written. `prepare` may make the code cheaper to run.
    """
    namespace, name = {"__name__": page.stem}, f"{page.parent.name}/{page.name}"
    ran = []
    for block in filter(chosen, outputs.blocks(page)):
        where = f"{name}:{block.line}"
        # Let tracebacks, trace() and gradcheck() find the source of what is defined here.
        code = prepare(block.code)
        linecache.cache[where] = (len(code), None, code.splitlines(keepends=True), where)
        exec(compile(code, where, "exec"), namespace)
        printed, lines = capsys.readouterr().out.splitlines(), promised(block.code, block.text)
        assert len(printed) == len(lines) and all(map(agrees, printed, lines)), (
            f"{where} prints\n" + "\n".join(printed) + "\nbut promises\n" + "\n".join(lines))
        ran.append((block, printed))
    if os.environ.get(outputs.WRITE):
        outputs.write(page, ran)
    known = outputs.recorded(page)
    stale = [block.line for block, _ in ran if block.digest not in known or not all(map(
        agrees, known[block.digest], promised(block.code, block.text)))]
    assert not stale, (f"{name}: the code in line {stale[0]} has changed, and the site still shows "
                       f"what it printed before; run this test with {outputs.WRITE}=1, and commit "
                       f"docs/outputs")
    return namespace

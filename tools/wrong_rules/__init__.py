"""Two hundred wrong rules: fifty kinds of mistakes, four rules of each.

They were written from the names of the mistakes alone, before any work on the diagnosis that they
measure, and do not change. Each is a plain NumPy function, a wrong vjp for it, and the name of the
mistake:

    for rule in RULES:
        forward, vjp = rule.pair()
        check_vjp(forward, vjp, rule.arguments())       # should say rule.kind

`LATER` holds fifty more, which were written when the diagnosis existed.
"""

from tools.wrong_rules import factors, images, matrices, reductions, state
from tools.wrong_rules.kinds import KINDS
from tools.wrong_rules.later import LATER
from tools.wrong_rules.rule import WrongRule

RULES = [*factors.RULES, *reductions.RULES, *matrices.RULES, *images.RULES, *state.RULES]

__all__ = ["KINDS", "LATER", "RULES", "WrongRule"]

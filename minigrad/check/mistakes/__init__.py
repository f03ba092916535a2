"""Names for mistakes in derivative rules.

`kinds` lists them, `name` names the one behind a failed check, `evidence` holds what is known. The
tests are in `upstream`, `factors`, `places` and `sums`.
"""

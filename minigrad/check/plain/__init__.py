"""The gradient checker on plain arrays, for functions of any framework.

`differentiable` is the protocol. The modules: `numpy_pairs` (functions and gradients by hand),
`examine` (the order of the checks), `invariants`, `layouts` (memory layouts of arrays), `line`
(slopes with error bars), `decide` (right, wrong or cannot tell), `exact` (exact integers), `locate`
and `explain` (where and why), `heatmap`.
"""

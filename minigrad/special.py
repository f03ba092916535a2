"""Special functions under the names of `torch.special`; documented in :mod:`minigrad.ops`."""

from minigrad.kernels.boundary import guarded_names
from minigrad.ops.activation import log_softmax, softmax
from minigrad.ops.activation import sigmoid as expit
from minigrad.ops.reduce import logsumexp
from minigrad.ops.smooth import (
    digamma,
    entr,
    erf,
    erfc,
    erfcx,
    erfinv,
    exp2,
    expm1,
    log1p,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    polygamma,
    sinc,
    xlog1py,
    xlogy,
)
from minigrad.ops.smooth import digamma as psi
from minigrad.ops.smooth import lgamma as gammaln
from minigrad.ops.smooth import mvlgamma as multigammaln

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammaln",
    "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri",
    "polygamma", "psi", "sinc", "softmax", "xlog1py", "xlogy",
]

globals().update(guarded_names(globals(), __all__))

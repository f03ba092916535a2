"""Alternative names of operations, as in PyTorch."""

from minigrad.ops.arithmetic import abs as absolute
from minigrad.ops.arithmetic import clip as clamp
from minigrad.ops.arithmetic import divide as true_divide
from minigrad.ops.arithmetic import equal as eq
from minigrad.ops.arithmetic import greater as gt
from minigrad.ops.arithmetic import greater_equal as ge
from minigrad.ops.arithmetic import less as lt
from minigrad.ops.arithmetic import less_equal as le
from minigrad.ops.arithmetic import multiply as mul
from minigrad.ops.arithmetic import negative as neg
from minigrad.ops.arithmetic import not_equal as ne
from minigrad.ops.arithmetic import sign as sgn
from minigrad.ops.rearrange import movedim as moveaxis
from minigrad.ops.shape_functions import cat as concat
from minigrad.ops.shape_functions import transpose as swapaxes
from minigrad.ops.smooth import acos as arccos
from minigrad.ops.smooth import asin as arcsin
from minigrad.ops.smooth import atan as arctan
from minigrad.ops.smooth import atan2 as arctan2
from minigrad.ops.solving import inv as inverse
from minigrad.ops.spectral import pinv as pinverse
from minigrad.ops.steps import subtract as sub
from minigrad.ops.steps import trunc as fix

__all__ = ["absolute", "arccos", "arcsin", "arctan", "arctan2", "clamp", "concat", "eq",
           "fix", "ge", "gt", "inverse", "le", "lt", "moveaxis", "mul", "ne", "neg", "pinverse",
           "sgn", "sub", "swapaxes", "true_divide"]

"""Optimizers: they update parameters in place from the gradients in `.grad`.

SGD, Adam, AdamW, Adagrad and RMSprop are one formula each. L-BFGS has five modules: `.lbfgs` is the
optimizer that users create, `.descent` its iteration over one flat vector, `.curvature` its
memory with the two-loop recursion, `.line_search` chooses the length of a step, `.change` is the
change from one point to the next. `.lr_scheduler` changes learning rates over time, `.clip` limits
gradients before a step.
"""

from minigrad.kernels.boundary import guard_methods
from minigrad.optim import lr_scheduler
from minigrad.optim.adagrad import Adagrad
from minigrad.optim.adam import Adam
from minigrad.optim.adamw import AdamW
from minigrad.optim.clip import clip_grad_norm_, clip_grad_value_
from minigrad.optim.lbfgs import LBFGS
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rmsprop import RMSprop
from minigrad.optim.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm_",
           "clip_grad_value_", "lr_scheduler"]

guard_methods((Optimizer, LBFGS, SGD, Adagrad, Adam, AdamW, RMSprop),
              ("__init__", "add_param_group", "load_state_dict"))

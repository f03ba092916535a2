"""Watching gradients come about: step by step, as a picture, as a page, in time and memory.

    for step in trace(loss): print(step)        # the backward pass, one node at a time
    graph(loss, gradients=True).save("loss.svg")
    explain(loss, "loss.html")                  # a page to step through with the arrow keys
    with profile() as costs: ...                # print(costs): time and FLOPs by operation
    with memory() as peak: ...                  # print(peak): what held the memory at its peak

The rooms: :mod:`.trace`, :mod:`.record` (values the graph would forget), :mod:`.rules`
(the rules as they are written), :mod:`.model`, :mod:`.layout` and :mod:`.drawing` (pictures),
:mod:`.page` (the page), :mod:`.flops` and :mod:`.profiling`, :mod:`.memory`.
"""

from minigrad.core.hooks import Contribution, OperationCall, operation_hooks
from minigrad.inspect.drawing import Picture, graph
from minigrad.inspect.memory import MemoryUse, memory
from minigrad.inspect.page import explain
from minigrad.inspect.profiling import Profile, profile
from minigrad.inspect.record import record
from minigrad.inspect.trace import Kept, Sent, Step, trace

__all__ = ["Contribution", "Kept", "MemoryUse", "OperationCall", "Picture", "Profile", "Sent",
           "Step", "explain", "graph", "memory", "operation_hooks", "profile", "record", "trace"]

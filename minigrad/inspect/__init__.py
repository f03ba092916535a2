"""Inspect gradients: step by step, as a graph, as a web page, in time and in memory.

    for step in trace(loss): print(step)        # the backward pass, one node at a time
    graph(loss, gradients=True).save("loss.svg")
    explain(loss, "loss.html")                  # a web page to step through by arrow keys
    explain(f, 2.0, 3.0)                        # the same for a function; notebooks display it
    summary(model, x)                           # layers, shapes, parameters
    with statistics(model) as seen: ...         # dead units, saturation, vanishing gradients
    with profile() as costs: ...                # print(costs): time and FLOPs by operation
    with memory() as peak: ...                  # print(peak): what held memory at the peak

The modules: `trace`, `record` (values that the graph does not save), `rules` and `formula` (source
of the rules), `naming`, `stretch` (broadcasting), `measure` (gradients by nudging); `model`,
`fold`, `layout` and `drawing` (graphs); `page`, `page_data`, `page_texts`, `texts` and
`explanation`; `notebook` and `curves`; `summary`; `statistics`; `flops` and `profiling`; `memory`.
"""

from minigrad.core.hooks import Contribution, OperationCall, operation_hooks
from minigrad.inspect.drawing import Picture, graph
from minigrad.inspect.explanation import Explanation, passes
from minigrad.inspect.memory import MemoryUse, memory
from minigrad.inspect.page import explain
from minigrad.inspect.profiling import Profile, profile
from minigrad.inspect.record import record
from minigrad.inspect.statistics import Statistics, statistics
from minigrad.inspect.stretch import Stretch
from minigrad.inspect.summary import Summary, summary
from minigrad.inspect.trace import Saved, Sent, Step, trace

__all__ = ["Contribution", "Explanation", "MemoryUse", "OperationCall", "Picture", "Profile",
           "Saved", "Sent", "Statistics", "Step", "Stretch", "Summary", "explain", "graph",
           "memory", "operation_hooks", "passes", "profile", "record", "statistics", "summary",
           "trace"]

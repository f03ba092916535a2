"""Check a reader's engine: it runs in a process of its own, everything that judges it in this one.

`static` (what is seen without running the file), `child` (the limited process), `probes` (what runs
there beside the reader's code), `work` (the reader's engine, seen from here), `gradients` (the
gradient checker on it), `verdict` (the result of a check in words).
"""

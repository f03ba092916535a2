"""Runs the project in WebAssembly: a Python for WASI, in the runtime wasmtime.

    pip install -e '.[wasm]'
    python -m tools.webassembly            # a few minutes; --full checks every memory layout

`__main__` runs outside, `guest` inside.
"""

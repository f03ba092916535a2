"""The course documents' experiments with style transfer, one command each.

Modules: `__main__` (the command line and the list of experiments), `weighting` (content against
style), `figures` (two painted photographs), `monet` (the default run, Adam, loss curves), `layers`
(choices of layers), `folder` (many photographs with random styles), `timing` (style transfer
against CycleGAN, CPU against GPU), `pictures` (the pictures). They paint with `examples.session`.
"""

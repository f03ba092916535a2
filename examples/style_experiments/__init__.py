"""The course documents' experiments with style transfer, one command each.

Rooms: `__main__` is the command line and the list of experiments; `weighting` content against
style; `figures` two painted photographs; `monet` the default run, Adam, loss curves; `layers`
which layers; `folder` many photographs with random styles; `timing` against CycleGAN, and CPU
against GPU; `pictures` where the pictures come from. They paint in `examples.session`.
"""

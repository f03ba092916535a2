"""CycleGAN: translators between two unpaired sets of pictures, each the inverse of the other.

Follows "Advanced Topics in Deep Learning: Final Course Project", sections 4.1 and 5.1 (photographs
to Monet's paintings), and the paper behind it: Zhu, Park, Isola and Efros, "Unpaired image-to-image
translation using cycle-consistent adversarial networks" (2017).

Modules: `domains` (the pictures), `networks` (generators, discriminators, receptive fields),
`losses`, `pool` (earlier translations), `train` (a step, checkpoints), `classifier` (judges the
results), `sheets` (draws them), `__main__` (the program).
"""

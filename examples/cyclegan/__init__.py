"""CycleGAN: two sets of unpaired pictures, and translators between them that undo each other.

Follows "Advanced Topics in Deep Learning: Final Course Project", sections 4.1 and 5.1 (photographs
to Monet's paintings), and the paper behind it: Zhu, Park, Isola and Efros, "Unpaired image-to-image
translation using cycle-consistent adversarial networks" (2017).

The rooms: :mod:`.domains` (the pictures), :mod:`.networks` (generators, discriminators, receptive
fields), :mod:`.losses`, :mod:`.pool` (earlier translations), :mod:`.train` (a step, checkpoints),
:mod:`.classifier` (which judges), :mod:`.sheets` (what is drawn), :mod:`.__main__` (the program).
"""

"""Train the small network that ships with nst to imitate VGG19's features.

This is knowledge distillation (Hinton, Vinyals, Dean 2015): VGG19 is the teacher, the small
network the student. Run it from a checkout with `python -m tools.distill`; `nst` never imports it.

- `pictures` and `procedural` supply pictures, `crops` cuts and augments them.
- `batches` adds the teacher's features to crops, `generated` to pictures that the small network has
  painted.
- `plan` defines the architecture, `initialization` the initial values, `training` the loop.
- `evaluation` measures the result. `command`, `measure` and `options` are the command line.
"""

"""A museum of wrong gradients: real ones, re-created, and what gradient checkers make of them."""

"""By a student, from the page alone."""


def features(picture, network, layers):
    """What a network sees in a picture (1 × 3 × height × width): a Tensor for each of the layers.

    network : "conv1_1" … → (w, b), in order; then adapters, "relu1_1" … → (w, b), not of every
        layer. The digit behind "conv" is the block.
    """
    found, block = {}, "1"
    for name in [name for name in network if name.startswith("conv")]:
        layer = name.replace("conv", "relu")
        if name[4] != block:
            block = name[4]
            picture = max_pool2d(picture)
        w, b = network[name]
        picture = relu(conv2d(picture, w, b, padding=1))
        if layer in layers:
            found[layer] = relu(conv2d(picture, *network[layer]))
        if set(found) == set(layers):
            break
    return found

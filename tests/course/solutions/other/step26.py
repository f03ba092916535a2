"""The walk through the layers is recursive; adapters are matrix products."""


def features(picture, network, layers):
    """What a network sees in a picture (1 × 3 × height × width): a Tensor for each of the layers.

    network : "conv1_1" … → (w, b), in order; then adapters, "relu1_1" … → (w, b), not of every
        layer. The digit behind "conv" is the block.
    """
    names = [name for name in network if name.startswith("conv")]

    def mixed(x, w, b):
        """What an adapter makes of x: filters of one pixel are a matrix, and pixels its columns."""
        _, channels, down, across = x.shape
        maps = matmul(np.reshape(w, (-1, channels)), reshape(x, (channels, down * across)))
        return relu(reshape(maps + np.reshape(b, (-1, 1)), (1, -1, down, across)))

    def walk(x, block, i, wanted):
        """The features in `wanted`, from convolution number i on, whose input is x."""
        if i == len(names):
            return {}
        name = names[i]
        if name[4] != block:
            x = max_pool2d(x)
        x = relu(conv2d(x, *network[name], padding=1))
        layer = "relu" + name[4:]
        found = {layer: mixed(x, *network[layer])} if layer in wanted else {}
        rest = wanted - {layer}
        return {**found, **walk(x, name[4], i + 1, rest)} if rest else found

    return walk(picture, "1", 0, set(layers))

del slope, NOISE, with_error, measured, has_kink, complex_slope, best, along, claimed, compared
del hessian_times, squared_error, log_softmax, log_softmax_rule, cross_entropy, avg_pool2d
del tanh, sigmoid, absolute, log, sqrt
del tanh.derivative, sigmoid.derivative, absolute.derivative, log.derivative, sqrt.derivative
del log_softmax.derivative


# after: relu
def features(picture, network, layers):
    """What a network sees in a picture (1 × 3 × height × width): a Tensor for each of the layers.

    network : "conv1_1" … → (w, b), in order; then adapters, "relu1_1" … → (w, b), not of every
        layer. The digit behind "conv" is the block.
    """
    found, block = {}, "1"
    for name in [name for name in network if name.startswith("conv")]:
        layer = name.replace("conv", "relu")
        # hole: before the first convolution of a new block, halve the picture with a max-pool;
        # then convolve, with a padding of 1, and apply relu
        if name[4] != block:
            picture, block = max_pool2d(picture), name[4]
        picture = relu(conv2d(picture, *network[name], padding=1))
        # end
        # hole: if the layer is wanted, its features are what its adapter, without padding, and
        # relu make of the picture; what goes on to the next
        # convolution is the picture before the adapter
        if layer in layers:
            found[layer] = relu(conv2d(picture, *network[layer]))
        # end
        if set(found) == set(layers):
            break
    return found

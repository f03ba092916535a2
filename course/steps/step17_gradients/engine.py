# after: conv2d
def conv2d_x(g, w, x_shape, padding):
    """What the pictures receive."""
    high, wide = w.shape[2:]
    result = padded(np.zeros(x_shape), padding)
    # hole: each element of g goes back to its window, times its filter; then take the border off
    for n, f, i, j in np.ndindex(g.shape):
        result[n, :, i:i + high, j:j + wide] += g[n, f, i, j] * w[f]
    return result[:, :, padding:padding + x_shape[2], padding:padding + x_shape[3]]
    # end


# after: conv2d_x
def conv2d_w(g, x, w_shape, padding):
    """What the filters receive."""
    x, (high, wide) = padded(x, padding), w_shape[2:]
    result = np.zeros(w_shape)
    # hole: the same loop: each element of g goes to its filter, times its window
    for n, f, i, j in np.ndindex(g.shape):
        result[f] += g[n, f, i, j] * x[n, :, i:i + high, j:j + wide]
    return result
    # end


# after: conv2d_w
def conv2d_b(g):
    """What the biases receive."""
    # hole: in one line
    return g.sum(axis=(0, 2, 3))
    # end


# after: conv2d_b
conv2d.derivative(x=conv2d_x, w=conv2d_w, b=conv2d_b)

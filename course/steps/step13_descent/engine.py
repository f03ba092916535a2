class Optimizer:
    """Moves parameters against their gradients; lr, the learning rate, says how far."""

    def __init__(self, parameters, lr):
        self.parameters, self.lr = list(parameters), lr

    def zero_grad(self):
        """Forget the gradients; the next pass would add to them."""
        for parameter in self.parameters:
            parameter.grad = None


class SGD(Optimizer):
    """Gradient descent; with momentum, along a sum of gradients in which old ones fade."""

    def __init__(self, parameters, lr, momentum=0.0):
        super().__init__(parameters, lr)
        self.momentum = momentum
        self.velocities = [0.0] * len(self.parameters)

    def step(self):
        """Move each parameter once."""
        for i, parameter in enumerate(self.parameters):
            # hole: update velocity number i, then give the parameter new data; the arrays of its
            # data and gradient may not be changed in place
            self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad
            parameter.data = parameter.data - self.lr * self.velocities[i]
            # end


class Adam(Optimizer):
    """Kingma and Ba, "Adam" (2014): each element moves about lr, however large its gradient."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps, self.steps = betas, eps, 0
        self.means = [0.0] * len(self.parameters)
        self.squares = [0.0] * len(self.parameters)

    def step(self):
        """Move each parameter once."""
        self.steps += 1
        b1, b2 = self.betas
        for i, parameter in enumerate(self.parameters):
            # hole: update both running means, of g and of g²; divide each by 1 − βᵗ, into a new
            # variable; then give the parameter new data
            self.means[i] = b1 * self.means[i] + (1 - b1) * parameter.grad
            self.squares[i] = b2 * self.squares[i] + (1 - b2) * parameter.grad ** 2
            mean = self.means[i] / (1 - b1 ** self.steps)
            square = self.squares[i] / (1 - b2 ** self.steps)
            parameter.data = parameter.data - self.lr * mean / (np.sqrt(square) + self.eps)
            # end

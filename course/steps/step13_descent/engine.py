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
            # hole: renew the velocity, then move; give `data` a new array
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
        one, two = self.betas
        for i, parameter in enumerate(self.parameters):
            # hole: renew both running means, of g and of g²; correct their beginning;
            # then move
            self.means[i] = one * self.means[i] + (1 - one) * parameter.grad
            self.squares[i] = two * self.squares[i] + (1 - two) * parameter.grad ** 2
            mean = self.means[i] / (1 - one ** self.steps)
            square = self.squares[i] / (1 - two ** self.steps)
            parameter.data = parameter.data - self.lr * mean / (np.sqrt(square) + self.eps)
            # end

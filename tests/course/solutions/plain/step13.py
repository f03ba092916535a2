"""By a student, from the page alone."""


class SGD:
    def step(self):
        """Move each parameter once."""
        for i, parameter in enumerate(self.parameters):
            self.velocities[i] = self.momentum * self.velocities[i] + parameter.grad
            parameter.data = parameter.data - self.lr * self.velocities[i]


class Adam:
    def step(self):
        """Move each parameter once."""
        self.steps += 1
        b1, b2 = self.betas
        for i, parameter in enumerate(self.parameters):
            g = parameter.grad
            self.means[i] = b1 * self.means[i] + (1 - b1) * g
            self.squares[i] = b2 * self.squares[i] + (1 - b2) * g * g
            m = self.means[i] / (1 - b1 ** self.steps)
            s = self.squares[i] / (1 - b2 ** self.steps)
            parameter.data = parameter.data - self.lr * m / (np.sqrt(s) + self.eps)

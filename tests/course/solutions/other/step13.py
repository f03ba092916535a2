"""The velocity element by element, into new arrays; Adam's means with weights that already sum
to 1, so nothing is left to correct."""


class SGD:
    def step(self):
        """Move each parameter once."""
        for i, parameter in enumerate(self.parameters):
            # one element after the other, into arrays that nobody else holds
            old = np.broadcast_to(self.velocities[i], parameter.data.shape)
            velocity, place = np.empty(old.shape), np.empty(old.shape)
            for k in np.ndindex(old.shape):
                velocity[k] = parameter.grad[k] + self.momentum * old[k]
                place[k] = parameter.data[k] - velocity[k] * self.lr
            self.velocities[i], parameter.data = velocity, place


class Adam:
    def step(self):
        """Move each parameter once."""
        self.steps += 1
        b1, b2 = self.betas
        # the share of the newest gradient in a mean of all so far whose weights add up to 1
        share = (1 - b1) / (1 - b1 ** self.steps)
        share2 = (1 - b2) / (1 - b2 ** self.steps)
        for i, parameter in enumerate(self.parameters):
            g = parameter.grad
            self.means[i] = self.means[i] + share * (g - self.means[i])
            self.squares[i] = self.squares[i] + share2 * (g * g - self.squares[i])
            parameter.data = parameter.data - self.lr * self.means[i] / (
                np.sqrt(self.squares[i]) + self.eps)

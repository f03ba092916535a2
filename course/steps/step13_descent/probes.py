"""Probes of step 13."""


STATE = ("velocities", "means", "squares")


def copied(value):
    """A copy of an array; anything else as it is."""
    return value.copy() if hasattr(value, "copy") else value


def moved(engine, name, options, starts, gradients, rates):
    """Where the parameters are after each step, if the gradients are as given.

    starts : an array for each parameter.  gradients : for each step, an array for each parameter.
    rates : that of each step.  Beside it, the velocities or means after each step, and whether the
    arrays of data and those of gradients stayed as they were.
    """
    parameters = [engine.Tensor(start, requires_grad=True) for start in starts]
    optimizer = getattr(engine, name)(parameters, **options)
    history, states, data, given = [], [], [], []
    for row, optimizer.lr in zip(gradients, rates):
        for parameter, gradient in zip(parameters, row):
            parameter.grad = gradient
            data.append((parameter.data, copied(parameter.data)))
            given.append((gradient, copied(gradient)))
        optimizer.step()
        history.append([copied(parameter.data) for parameter in parameters])
        states.append({key: [copied(value) for value in kept] for key, kept in vars(
            optimizer).items() if key in STATE and isinstance(kept, list) and len(kept) == 2})
    return history, states, *(all(array is before or array.tobytes() == before.tobytes()
                                  for array, before in seen) for seen in (data, given))


def descended(engine, name, options, start, steps):
    """The way down a valley of the shape x₀² / 2 + 10 x₁², with gradients by the engine."""
    x = engine.Tensor(start, requires_grad=True)
    optimizer = getattr(engine, name)([x], **options)
    history = []
    for _ in range(steps):
        end = (x * x * engine.Tensor([0.5, 10.0])).sum()
        optimizer.zero_grad()
        end.backward()
        optimizer.step()
        history.append(copied(x.data))
    return history


def forgotten(engine, start):
    """The gradients after zero_grad."""
    parameters = [engine.Tensor(start, requires_grad=True) for _ in range(2)]
    optimizer = engine.SGD(parameters, 0.1)
    for parameter in parameters:
        parameter.grad = parameter.data
    optimizer.zero_grad()
    return [parameter.grad for parameter in parameters]

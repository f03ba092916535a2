"""Probes of step 13."""


def moved(engine, name, options, starts, gradients):
    """Where the parameters are after each step, if the gradients are as given.

    starts : an array for each parameter.  gradients : for each step, an array for each parameter.
    Beside it, whether the arrays that were there before stayed as they were.
    """
    parameters = [engine.Tensor(start, requires_grad=True) for start in starts]
    optimizer = getattr(engine, name)(parameters, **options)
    history, seen = [], []
    for row in gradients:
        for parameter, gradient in zip(parameters, row):
            parameter.grad = gradient
            seen += [(array, array.copy()) for array in (parameter.data, gradient)]
        optimizer.step()
        history.append([parameter.data for parameter in parameters])
    return history, all((array == before).all() for array, before in seen)


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
        history.append(x.data)
    return history


def forgotten(engine, start):
    """The gradients after zero_grad."""
    parameters = [engine.Tensor(start, requires_grad=True) for _ in range(2)]
    optimizer = engine.SGD(parameters, 0.1)
    for parameter in parameters:
        parameter.grad = parameter.data
    optimizer.zero_grad()
    return [parameter.grad for parameter in parameters]

"""Models of river as data: what each has learned. See `river_objects`."""

from typing import Any

import msgspec


class Regression(msgspec.Struct, array_like=True, tag="LinearRegression"):
    """`river.linear_model.LinearRegression` as it is made without arguments: weights, intercept, steps taken."""

    weights: dict[str, float]
    intercept: float
    n_steps: int

    @classmethod
    def of(cls, model: Any) -> "Regression":
        """Read a model.

        Raises:
            NotImplementedError: It was made with arguments.
        """
        from river.linear_model import LinearRegression

        if _made_with(model) != _made_with(LinearRegression()):
            raise NotImplementedError("a state cannot hold a LinearRegression that was made with arguments")
        weights = {name: float(weight) for name, weight in model.weights.items()}
        return cls(weights, float(model.intercept), model.optimizer.n_iterations)

    def make(self) -> Any:
        """Make it again."""
        from river.linear_model import LinearRegression
        from river.utils import VectorDict

        made: Any = LinearRegression()
        made._weights, made.intercept = VectorDict(self.weights), self.intercept
        made.optimizer.n_iterations = self.n_steps
        return made


def _made_with(model: Any) -> list[object]:
    kinds: list[object] = [type(part) for part in (model.optimizer, model.loss, model.initializer)]
    rates = [model.optimizer.lr.learning_rate, model.intercept_lr.learning_rate]
    return [*kinds, *rates, model.l1, model.l2, model.intercept_init, model.clip_gradient]


class Scaler(msgspec.Struct, array_like=True, tag="StandardScaler"):
    """`river.preprocessing.StandardScaler` as it is made without arguments: count, mean, variance by feature."""

    features: dict[str, tuple[int, float, float]]

    @classmethod
    def of(cls, scaler: Any) -> "Scaler":
        """Read a scaler.

        Raises:
            NotImplementedError: It was made with arguments.
        """
        if not scaler.with_std or scaler.window_size is not None:
            raise NotImplementedError("a state cannot hold a StandardScaler that was made with arguments")
        names = list(scaler.means)  # reading one that is not there would make it
        return cls({n: (scaler.counts.get(n, 0), scaler.means[n], scaler.vars.get(n, 0.0)) for n in names})

    def make(self) -> Any:
        """Make it again."""
        from river.preprocessing import StandardScaler

        names = self.features
        return StandardScaler._from_state(
            {name: names[name][0] for name in names if names[name][0]},
            {name: names[name][1] for name in names},
            {name: names[name][2] for name in names},
        )

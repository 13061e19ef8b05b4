"""The Bayesian last layer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from homeostat.services.maml_trainer.meta.algorithms import BIAS_VARIANCE, NOISE, WEIGHT_VARIANCE, Rule
from homeostat.services.maml_trainer.meta.closed_form import posterior, predictive_loss
from homeostat.services.maml_trainer.meta.network import mlp

NETWORK = mlp((2, 4, 1))


def start() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Make float64 tensors with a last layer of zeros: the prior's mean."""
    params = NETWORK.init(0, dtype=torch.float64)
    params["w2"] = torch.zeros_like(params["w2"])
    return params, Rule("bayesian_last_layer").initial(NETWORK, params, 0.1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 9))
def test_the_posterior_mean_is_ridge_regression(seed: int, n: int) -> None:
    """With equal variances and no bias it is scikit-learn's, to 1e-5."""
    generator = np.random.default_rng(seed)
    x, y = generator.standard_normal((n, 4)), generator.standard_normal(n)
    params, inner = start()
    inner |= {NOISE: torch.tensor(0.5), BIAS_VARIANCE: torch.tensor(1e-12), WEIGHT_VARIANCE: torch.ones(4)}

    found = posterior(
        NETWORK,
        params,
        {name: value.double() for name, value in inner.items()},
        torch.from_numpy(x),
        torch.from_numpy(y[:, None]),
        torch.ones(n, dtype=torch.float64),
        is_classification=False,
    )

    expected = Ridge(alpha=0.5, fit_intercept=False).fit(x, y)
    np.testing.assert_allclose(found.weight[:, 0].numpy(), expected.coef_, rtol=1e-5, atol=1e-6)


def test_rows_of_no_weight_change_nothing() -> None:
    """Padding leaves the posterior as it was."""
    params, inner = start()
    x, y = torch.rand(6, 4, dtype=torch.float64), torch.rand(6, 1, dtype=torch.float64)
    weight = torch.tensor([1.0, 1, 1, 1, 0, 0], dtype=torch.float64)

    padded = posterior(NETWORK, params, inner, x, y, weight, is_classification=False)
    plain = posterior(NETWORK, params, inner, x[:4], y[:4], weight[:4], is_classification=False)

    torch.testing.assert_close(padded.weight, plain.weight)
    torch.testing.assert_close(padded.bias, plain.bias)


def test_the_predictive_loss_is_the_normal_density() -> None:
    """Half of the scaled squared error and log variance, from the covariance written out."""
    params, inner = start()
    x, y = torch.rand(3, 4, dtype=torch.float64), torch.rand(3, 1, dtype=torch.float64)
    x_query, y_query = torch.rand(5, 4, dtype=torch.float64), torch.rand(5, 1, dtype=torch.float64)
    prior = torch.diag(torch.cat([inner[WEIGHT_VARIANCE], inner[BIAS_VARIANCE][None]]))
    rows, queries = (torch.nn.functional.pad(part, (0, 1), value=1.0) for part in (x, x_query))
    noise = inner[NOISE]
    gain = prior @ rows.T @ torch.linalg.inv(rows @ prior @ rows.T + noise * torch.eye(3, dtype=torch.float64))
    covariance = prior - gain @ rows @ prior
    spread = (queries @ covariance * queries).sum(-1) + noise

    ones = (torch.ones(3, dtype=torch.float64), torch.ones(5, dtype=torch.float64))
    loss = predictive_loss(NETWORK, params, inner, (x, x_query), (y, y_query), ones)

    expected = ((y_query - queries @ gain @ y)[:, 0].square() / spread + spread.log()).mean() / 2
    torch.testing.assert_close(loss, expected)


def test_large_features_and_no_noise_keep_their_loss_in_single_precision() -> None:
    """As after long training: what is left of the variance is small against what was there; float64 is the oracle."""
    params, inner = start()
    generator = torch.Generator().manual_seed(3)
    x, x_query = (30.0 * torch.rand(n, 4, generator=generator, dtype=torch.float64) for n in (10, 10))
    y, y_query = x[:, :1] - x[:, 1:2], x_query[:, :1] - x_query[:, 1:2]
    inner |= {NOISE: torch.tensor(1e-9, dtype=torch.float64), WEIGHT_VARIANCE: torch.full((4,), 50.0).double()}
    ones = (torch.ones(10, dtype=torch.float64), torch.ones(10, dtype=torch.float64))

    def loss(dtype: torch.dtype) -> torch.Tensor:
        own, numbers = ({name: value.to(dtype) for name, value in one.items()} for one in (params, inner))
        columns = (tuple(part.to(dtype) for part in pair) for pair in ((x, x_query), (y, y_query), ones))
        return predictive_loss(NETWORK, own, numbers, *columns)  # type: ignore[arg-type]

    single = loss(torch.float32)

    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), loss(torch.float64), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("is_classification", [True, False])
def test_features_that_are_not_finite_give_no_number_and_no_error(is_classification: bool) -> None:
    """The episode's posterior is NaN; those beside it are what they are alone."""
    params, inner = start()
    x = torch.rand(3, 5, 4, dtype=torch.float64)
    y = torch.rand(3, 5, 1, dtype=torch.float64)
    weight = torch.ones(3, 5, dtype=torch.float64)
    spoiled = x.clone()
    spoiled[1, 2, 0] = torch.inf

    found = posterior(NETWORK, params, inner, spoiled, y, weight, is_classification=is_classification)
    alone = posterior(NETWORK, params, inner, x, y, weight, is_classification=is_classification)

    assert found.weight[1].isnan().all()
    torch.testing.assert_close(found.weight[[0, 2]], alone.weight[[0, 2]])

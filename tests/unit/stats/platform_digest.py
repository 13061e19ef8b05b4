"""Program of `test_platform`: prints the digest of some 150,000 results, then the vector instructions in use."""

import hashlib
import importlib

import numpy as np

from homeostat.stats import AdaptiveConformal, BayesianLinear, Draws, PairedEProcess, Surprise, ZPageHinkley, portable
from homeostat.stats.logistic import BayesianLogistic


def main() -> None:
    """Run everything in `homeostat.stats` on inputs that need no elementary function of numpy."""
    digest = hashlib.sha256()

    def take(*results: object) -> None:
        for result in results:
            digest.update(np.asarray(result, np.float64).tobytes())

    draws = Draws("platform")
    u, x = draws.uniform(4_000), draws.normal(4_000)
    wide = np.ldexp(u, (draws.uniform(4_000) * 2_000 - 1_000).astype(np.intc))
    for values in (u, x, wide, x * 200.0, -wide):
        take(values, portable.exp(values), portable.log(values), portable.log1p(values))
        take(portable.normal_quantile(values))
        take([portable.exp(v) for v in values[:500].tolist()], [portable.log(v) for v in values[:500].tolist()])
        take(portable.fixed_sum(values), portable.fixed_dot(values, u))
    take(portable.fixed_row_sums(x.reshape(-1, 25)))

    process = PairedEProcess()
    for _ in range(100):
        process = process.observe(draws.uniform(5) < 0.3, draws.uniform(5) < 0.2)
        take(process.log2_e_worse, process.log2_e_better, process.max_log2_e_worse, *process.worse_mantissas)

    detector = ZPageHinkley.start(33, reference=12, delta=0.25, threshold=6.0, z_limit=5.0)
    for i in range(200):
        take(*detector.update(draws.normal(33) * 3.7 + (i > 120)))
    take(detector.n, detector.mean, detector.m2, detector.z_mean, detector.up, detector.down)

    model = BayesianLinear.prior(np.zeros(19), sd=1.5, noise_sd=0.4)
    for _ in range(200):
        features = draws.normal(19)
        model.observe(features, float(draws.normal(1)[0]), float(draws.uniform(1)[0]))
        take(*model.predict(features))
    take(model.mean, model.covariance, model.sample(draws), model.samples(draws, 40))

    surprise = Surprise.start(memory=200, nearest=3, lengths=(4, 30), weights=(1.0, 1.0, 0.75), fading=0.001, lift=1.4)
    conformal = AdaptiveConformal.start(length=90, rate=0.05, gain=0.1)
    for value in draws.normal(600).tolist():
        threshold = conformal.threshold
        conformal.learn(value, is_crossed=value > threshold)
        take(surprise.update(value), threshold, conformal.level)

    odds = BayesianLogistic.prior(19, sd=1.0)
    for _ in range(200):
        features = draws.normal(19)
        odds.observe(features, bool(draws.uniform(1)[0] < 0.3))
        take(odds.predict(features))
    take(odds.mean, odds.covariance)

    umath = importlib.import_module("numpy._core._multiarray_umath")
    print(digest.hexdigest())  # noqa: T201  # the test reads it
    print(*[name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]])  # noqa: T201  # likewise


main()

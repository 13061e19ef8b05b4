"""Nothing adapts from a window that says little."""

from tests.unit.meta_learner.driver import MODEL, WINDOW, LearnerDriver, one, proposals

from homeostat.events import ProfileUpdated


def _profile(labels: int, *, is_noisy: bool) -> ProfileUpdated:
    return ProfileUpdated(
        model=MODEL,
        version="v0",
        meta_features={"shift": 1.0, "rise": 0.5},
        labels_since_onset=labels,
        window=WINDOW,
        is_noisy=is_noisy,
    )


def test_a_noisy_window_proposes_nothing_until_the_noise_is_over() -> None:
    """The drift stays open: the first profile whose rows say enough is answered."""
    driver = LearnerDriver()
    driver.drift()

    in_noise = [driver.step(_profile(labels, is_noisy=True), story=driver.story) for labels in (40, 80)]
    after = driver.step(_profile(160, is_noisy=False), story=driver.story)

    assert [proposals(emits) for emits in in_noise] == [[], []]
    assert one(after).window == WINDOW

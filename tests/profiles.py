"""How long Hypothesis looks: seconds, in `make soak` longer, and with DUNWELL_HYPOTHESIS=long for a night."""

import os

from hypothesis import HealthCheck, Phase, settings

from tests.examples import examples


def load() -> None:
    """Take the one that is asked for."""
    settings.register_profile(
        "short",
        max_examples=examples(150),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.register_profile(
        "long", settings.get_profile("short"), max_examples=20_000, derandomize=False, print_blob=True
    )
    settings.load_profile(os.environ.get("DUNWELL_HYPOTHESIS", "short"))

"""What all tests share."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.interpreters", "tests.debian_tools"]

# HYPOTHESIS_PROFILE=long: what is run before a release, see docs/testing.md.
_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("short", max_examples=100, **_CALM)
settings.register_profile("long", max_examples=10_000, **_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

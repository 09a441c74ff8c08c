"""Property tests as they must be on a machine that is not quiet: however long an example takes."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fairlead", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fairlead")

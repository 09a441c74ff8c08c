"""What is done in the place of serving: a smoke test, or a profile."""

import asyncio
import json
import logging
import signal
import time
from collections.abc import Mapping

from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.profiling.order import Profile
from fairlead_scoring.front.profiling.run import ProfileFailedError, run_profile
from fairlead_scoring.front.slots.startup import (
    START_FAILED_EXIT_CODE,
    warn_of_missing_models,
    write_record,
)
from fairlead_scoring.front.smoke_test import SmokeTest, run_smoke_test, write_passed
from fairlead_scoring.slot.console import LOGGER_NAME

logger = logging.getLogger(LOGGER_NAME)
SIGNALLED = 128  # added to the signal's number, as shells do


async def try_out(settings: Settings, order: SmokeTest | Profile) -> int:
    """Do the smoke test or the profile that is ordered; return the exit code."""
    what = "profile" if isinstance(order, Profile) else "smoke test"
    logger.info("%s of %s", what.capitalize(), settings.layout.script_name)
    warn_of_missing_models(settings.layout)
    testing = asyncio.create_task(_tried(settings, order))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, testing.cancel)
    try:
        result = await testing
    except asyncio.CancelledError:
        logger.info("The %s was told to end", what)
        return SIGNALLED + signal.SIGTERM
    except ProfileFailedError as error:
        logger.error("The %s has failed: %s", what, error)  # noqa: TRY400 - no traceback
        write_record(error.record, settings.termination_log)
        return START_FAILED_EXIT_CODE
    logger.info("The %s has passed: %s", what, json.dumps(result))
    write_passed(result, settings.termination_log)
    return 0


async def _tried(settings: Settings, order: SmokeTest | Profile) -> Mapping[str, object]:
    """Return the result for the operator. Raise ``ProfileFailedError``."""
    if isinstance(order, Profile):
        return (await run_profile(settings, order)).as_json()
    began = time.monotonic()
    record = await run_smoke_test(settings, order)
    if record is not None:
        raise ProfileFailedError(record)
    return {"seconds": round(time.monotonic() - began, 1)}

"""The command line: the reference server's, with dashes as well as underscores, and shortened."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from fairlead_scoring.front.config.values import MAX_PORT

USAGE_EXIT_CODE = 1  # as the reference server's
SMOKE_TEST, PROFILE = "smoke_test", "profile"  # no settings: user code does not see them


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the help and the error, and exit."""
        self.print_help(sys.stdout)
        self.exit(USAGE_EXIT_CODE, f"{self.prog}: error: {message}\n")


def read_options(arguments: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ``, overridden by the command line; user code sees the result.

    Where the command line names a script, paths are relative to the working directory.
    """
    options = _parser().parse_args([_underscored(one) for one in arguments])
    values = {
        name: value for name, value in vars(options).items() if name not in (SMOKE_TEST, PROFILE)
    }
    given = {name: value for name, value in values.items() if isinstance(value, str)}
    merged = {**environ, **given}
    if options.AZUREML_ENTRY_SCRIPT or options.AZUREML_CONFIG_FILE:
        merged.setdefault("AML_APP_ROOT", str(Path.cwd()))
    for name in ("AZUREML_ENTRY_SCRIPT", "AZUREML_CONFIG_FILE"):
        if name in given:
            merged[name] = os.path.realpath(given[name])
    return merged


def read_smoke_test(arguments: Sequence[str]) -> Path | None:
    """Return the file with the order for a smoke test, if one is asked for."""
    return _order_file(arguments, SMOKE_TEST)


def read_profile_option(arguments: Sequence[str]) -> Path | None:
    """Return the file with the order for a profile, if one is asked for."""
    return _order_file(arguments, PROFILE)


def _order_file(arguments: Sequence[str], option: str) -> Path | None:
    options = _parser().parse_args([_underscored(one) for one in arguments])
    found: str | None = getattr(options, option)
    return Path(found) if found else None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fairlead-scoring",
        description="Serve a score.py over HTTP. Without an option the environment decides.",
    )

    def add(name: str, variable: str, **more: object) -> None:
        parser.add_argument(f"--{name}", dest=variable, **more)  # type: ignore[arg-type]

    add("entry_script", "AZUREML_ENTRY_SCRIPT", metavar="PATH", help="the script to serve")
    add("model_dir", "AZUREML_MODEL_DIR", metavar="PATH", help="where the script finds its models")
    add("port", "FAIRLEAD_PORT", type=_port, metavar="PORT", help="default: 5001")
    add(
        "health_port",
        "HEALTH_PORT",
        type=_port,
        metavar="PORT",
        help="with SEPERATE_HEALTH_ENDPOINT=true, a second port; default: 5000",
    )
    add(
        "worker_count",
        "WORKER_COUNT",
        type=_count,
        metavar="N",
        help="how many requests run at once; default: 1",
    )
    add("config_file", "AZUREML_CONFIG_FILE", metavar="PATH", help="default: config.json")
    add(
        "access_control_allow_origins",
        "AML_CORS_ORIGINS",
        metavar="ORIGINS",
        help="origins, separated by commas, whose pages may call the service",
    )
    add(
        "appinsights_instrumentation_key",
        "AML_APP_INSIGHTS_KEY",
        metavar="KEY",
        help="accepted, and ignored: Fairlead has metrics instead",
    )
    add(
        SMOKE_TEST,
        SMOKE_TEST,
        metavar="PATH",
        help="serve nothing: import the script, call init() and, with the sample that this JSON "
        "file holds, run(); the exit code tells how that went",
    )
    add(
        PROFILE,
        PROFILE,
        metavar="PATH",
        help="serve nobody: start the service, send it the sample that this JSON file holds again "
        "and again, and leave what was measured where a result of the smoke test is left",
    )
    parser.add_argument("--rest", action="store_true", help=argparse.SUPPRESS)  # obsolete
    return parser


def _underscored(argument: str) -> str:
    """Return an option as the reference server has it: it may be written with dashes, too."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _port(text: str) -> str:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {MAX_PORT}")
    return text


def _count(text: str) -> str:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests from 1 on")
    return text

"""A profile's order, what the container uses, and the numbers that come of it."""

from pathlib import Path

import pytest

from fairlead_scoring.front.config.options import read_options, read_profile_option
from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.profiling.client import Answer
from fairlead_scoring.front.profiling.measurement import (
    Measurement,
    Tally,
    latencies_ms,
    percentile,
)
from fairlead_scoring.front.profiling.order import (
    MAX_REQUESTS,
    MAX_SECONDS,
    Profile,
    read_profile,
)
from fairlead_scoring.front.profiling.usage import (
    Cgroup,
    CpuTime,
    CpuUse,
    Watch,
    cpu_use,
    largest_process_bytes,
)
from fairlead_scoring.front.smoke_test import TIMEOUT_S, SmokeTest

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ('{"sample": "[1]"}', Profile(SmokeTest(b"[1]", TIMEOUT_S), MAX_REQUESTS, MAX_SECONDS)),
        (
            '{"sampleFile": "a.json", "requests": 7, "seconds": 2, "timeoutSeconds": 9}',
            Profile(SmokeTest(None, 9.0, "a.json"), 7, 2.0),
        ),
    ],
)
def test_an_order_is_read(tmp_path: Path, text: str, order: Profile) -> None:
    file = tmp_path / "order.json"
    file.write_text(text)
    assert read_profile(file) == order


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "no order for a profile"),
        ("{}", "holds no sample"),
        ('{"sample": "1", "requests": "many"}', "many"),
        ('{"sample": "1", "seconds": [1]}', "list"),
    ],
)
def test_what_is_no_order_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "order.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=f"--profile cannot be used: .*{said}"):
        read_profile(file)


def test_the_option_is_no_setting_of_user_code() -> None:
    assert read_profile_option(["--profile", "/order"]) == Path("/order")
    assert read_profile_option([]) is None
    assert "profile" not in read_options(["--profile", "/order"], {})


def test_percentiles_are_by_nearest_rank() -> None:
    ordered = [float(number) for number in range(1, 1001)]
    shares = (0.5, 0.95, 0.99, 0.999, 1.0)
    assert [percentile(ordered, share) for share in shares] == [500, 950, 990, 999, 1000]
    assert percentile([3.0], 0.5) == percentile([3.0], 0.999) == 3.0
    assert latencies_ms([0.002, 0.001, 0.009]) == {
        "mean": 4.0,
        "p50": 2.0,
        "p90": 9.0,
        "p95": 9.0,
        "p99": 9.0,
        "p999": 9.0,
        "highest": 9.0,
    }


def test_a_tally_keeps_the_first_error_and_no_time_of_it() -> None:
    tally = Tally()
    for answer in (Answer(200, 0.1), Answer(502, 9.0, "boom"), Answer(0, 9.0), Answer(404, 9.0)):
        tally.add(answer)
    assert (tally.seconds, tally.errors, tally.first_error) == ([0.1], 3, "status 502: boom")
    assert Answer(0, 1.0).words == "the connection was closed without an answer"


def test_a_measurement_is_numbers_that_json_has() -> None:
    found = Measurement(
        tally=Tally([0.01, 0.02], 1, "status 500: x"),
        window_s=0.1234567,
        start_s=1.5,
        restarts=0,
        memory_bytes=5 * MIB,
        cpu_cores=0.75,
        highest_cores=None,
        throttled=0.126,
    ).as_json()
    assert found["requests"] == 3
    assert found["seconds"] == 0.1235
    assert found["requestsPerSecond"] == 16.2
    assert (found["cpuCores"], found["highestCpuCores"]) == (0.75, None)
    assert (found["throttledPercent"], found["memoryBytes"]) == (13, 5 * MIB)


def test_cgroup_v2_is_read(tmp_path: Path) -> None:
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nnr_periods 40\nnr_throttled 10\nx y\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {3 * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{10 * MIB}\n")
    (tmp_path / "memory.peak").write_text(f"{15 * MIB}\n")
    cgroup = Cgroup(tmp_path)
    time = cgroup.cpu_time()
    assert (time.seconds, time.periods, time.throttled) == (2.5, 40, 10)
    assert (cgroup.working_set_bytes(), cgroup.peak_bytes()) == (7 * MIB, 12 * MIB)
    assert Watch(cgroup, highest_bytes=13 * MIB).peak_bytes() == 13 * MIB


def test_cgroup_v1_is_read(tmp_path: Path) -> None:
    (tmp_path / "cpuacct").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpuacct/cpuacct.usage").write_text("1500000000\n")
    (tmp_path / "memory/memory.stat").write_text(f"total_inactive_file {MIB}\n")
    (tmp_path / "memory/memory.max_usage_in_bytes").write_text(f"{4 * MIB}\n")
    cgroup = Cgroup(tmp_path)
    assert cgroup.cpu_time().seconds == 1.5
    assert Watch(cgroup).peak_bytes() == 3 * MIB


def test_without_a_cgroup_processes_tell_their_memory_and_nothing_tells_cpu(tmp_path: Path) -> None:
    cgroup = Cgroup(tmp_path)
    assert cgroup.cpu_time().seconds is None
    assert Watch(cgroup).peak_bytes() >= largest_process_bytes() // 2 > 0
    assert cpu_use(cgroup.cpu_time(), cgroup.cpu_time()) == CpuUse(None)


def test_use_is_per_second_and_throttling_a_share_of_the_periods() -> None:
    used = cpu_use(CpuTime(10.0, 5.0, 100, 10), CpuTime(14.0, 8.0, 140, 20))
    assert used == CpuUse(0.75, 0.25)
    assert cpu_use(CpuTime(10.0, 5.0), CpuTime(12.0, 6.0)) == CpuUse(0.5, 0.0)
    assert cpu_use(CpuTime(10.0, 5.0), CpuTime(10.0, 6.0)) == CpuUse(None)

"""Measure a command: median wall seconds and peak memory of fresh processes, in turns."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Cost(NamedTuple):
    """Medians over the runs of one command.

    Attributes
    ----------
    seconds : float
        Wall time, from start to end of the process.
    cpu_seconds : float
        Time its threads computed, added up; steadier than wall time on a busy machine.
    peak_mb : float
        The most memory it held at once (resident set, in units of 2**20 bytes).
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(commands: Mapping[str, Sequence[str]], *, repeats: int) -> dict[str, Cost]:
    """Run each command `repeats` times, in turns, so that a busy spell hits them all alike.

    Keep the process that calls this small: to Linux a child's peak is at least its parent's.
    """
    runs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(1, repeats + 1):
        for name, command in commands.items():
            runs[name].append(_run(command))
            print(f"  run {number}: {name}, {runs[name][-1].seconds:.2f} s", file=sys.stderr)
    return {
        name: Cost(*(statistics.median(figures) for figures in zip(*costs, strict=True)))
        for name, costs in runs.items()
    }


def print_costs(costs: Mapping[str, Cost], *, peer: str) -> None:
    """Print the costs side by side, and each as a share of the peer's."""
    width = max(map(len, costs))
    heads = "".join(f"{head:>10}{'x peer':>8}" for head in ("wall s", "CPU s", "peak MB"))
    print(f"{'':<{width}}{heads}")
    for name, cost in costs.items():
        figures = zip(cost, costs[peer], strict=True)
        print(f"{name:<{width}}" + "".join(f"{own:10.2f}{own / of:8.2f}" for own, of in figures))


def _run(command: Sequence[str]) -> Cost:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code, list(command))
    process.returncode = 0  # reaped above, where Popen could not see it
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

"""`scheduled_jobs.py --only refresh` in a process of its own that counts: the last line it prints is JSON.

Counted is what the refreshing threads do; finding out which institutions are due takes one statement for 500.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def peak_mb() -> float:
    """The most memory this process held at once. ru_maxrss would include the parent's, from before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> int:
    begun = time.perf_counter()
    from bench.counting import Counter
    from scheduled_jobs import main as run_jobs

    with Counter(threads="refresh") as counter:
        code = run_jobs(["--only", "refresh"])
    figures = {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time(),
        "statements": counter.statements,
        "commits": counter.commits,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(figures))
    return code


if __name__ == "__main__":
    sys.exit(main())

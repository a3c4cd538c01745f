"""A Celery worker in a process of its own that counts: it prints "ready" when it is, and at its end a line of JSON.

Counted is what its working threads do, and the CPU time it took since it was ready.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> int:
    from celery import signals

    import celery_app
    from bench.counted_job import peak_mb
    from bench.counting import Counter

    begun = 0.0

    @signals.worker_ready.connect(weak=False)
    def _ready(**_: Any) -> None:
        nonlocal begun
        begun = time.process_time()
        print("ready", flush=True)

    with Counter(threads="ThreadPoolExecutor") as counter:
        try:
            celery_app.main([])
        finally:
            figures = {
                "cpu": time.process_time() - begun,
                "statements": counter.statements,
                "commits": counter.commits,
                "peak_mb": peak_mb(),
            }
            print(json.dumps(figures), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

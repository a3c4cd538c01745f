"""Where this machine's Redis server is: the tests of the Celery engine start one of their own."""

from __future__ import annotations

import shutil

HOW_TO_GET = "sudo apt-get install redis-server   (macOS: brew install redis)"


def find_redis_server() -> str | None:
    """The path of redis-server, or of its successor valkey-server, or None."""
    return shutil.which("redis-server") or shutil.which("valkey-server")

"""What can be changed about the simulator while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Switches:
    """`latency_ms`: how long every Plaid endpoint waits before it answers."""

    latency_ms: float = 0

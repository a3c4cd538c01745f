"""Lives: what happens on made-up accounts. Pure functions of seed and date; no clock, no I/O, money as Decimal."""

"""The scheduled jobs, each a shallow run(...) over services that counts what happened."""

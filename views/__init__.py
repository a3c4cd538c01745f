"""Pages and JSON: one blueprint per feature. No SQL and no vendor here; services do the work."""

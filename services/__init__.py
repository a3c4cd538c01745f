"""What CashView does, one verb per function.

The only place that commits; no transaction is open during a vendor call.
"""

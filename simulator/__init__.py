"""A bank simulator: Plaid's HTTP and a stand-in for Plaid Link, as a program of its own.

It imports nothing of CashView, and nothing of CashView imports it. Start it with
`python -m simulator --port 5100 --data instance/simulator`.
"""

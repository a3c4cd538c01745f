"""A bank simulator: Plaid's HTTP, a stand-in for Plaid Link, Twilio's HTTP and a phone, as a program of its own.

It imports nothing of CashView, and nothing of CashView imports it. Start it with
`python -m simulator --port 5100 --data instance/simulator`.
"""

"""Pure rules of CashView: money, balances, periods, wording. No I/O, no clock, nothing of ours imported."""

"""The outside world behind small protocols. Only these modules know a vendor; they import domain and no more."""

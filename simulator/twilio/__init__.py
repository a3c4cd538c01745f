"""Twilio's side of the simulator: the Messages API, what becomes of a text, webhooks, and what can go wrong.

It is by subject: `api` answers HTTP, `rules` says what may be sent, `texts` remembers, `life` moves a text from
queued to delivered, `callbacks` posts to the app, `inbound` is what a person's reply sets off, `faults` are the
switches.
"""

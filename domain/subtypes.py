"""What kind of account this is, in a person's words. A bank may name any type and subtype; none is an error."""

from __future__ import annotations

from functools import lru_cache

from domain.balances import CREDIT, DEPOSITORY, INVESTMENT, LOAN, kind_of

_WORDS = {
    "401a": "401(a)",
    "401k": "401(k)",
    "403b": "403(b)",
    "457b": "457(b)",
    "529": "529 plan",
    "cash isa": "Cash ISA",
    "education savings account": "Education savings",
    "keogh": "Keogh",
    "paypal": "PayPal",
    "profit sharing plan": "Profit sharing",
    "roth": "Roth IRA",
    "roth 401k": "Roth 401(k)",
    "sep ira": "SEP IRA",
    "simple ira": "SIMPLE IRA",
    "sarsep": "SARSEP",
    "stock plan": "Stock plan",
    **{
        short: short.upper()
        for short in (
            "cd", "ebt", "fhsa", "gic", "hra", "hsa", "ira", "isa", "lif", "lira", "lrif", "lrsp", "prif", "rdsp",
            "resp", "rlif", "rrif", "rrsp", "sipp", "tfsa", "ugma", "utma",
        )
    },
}  # fmt: skip
"""Subtype in lower case -> its usual name. What is not here is only capitalised: 'money market' -> 'Money market'."""

_LOANS = {
    "auto": "Auto loan",
    "business": "Business loan",
    "commercial": "Commercial loan",
    "construction": "Construction loan",
    "consumer": "Consumer loan",
    "home equity": "Home equity loan",
    "other": "Loan",
    "student": "Student loan",
}
"""A loan's subtype says what it is for; alone it would read like something one owns."""

_BY_KIND = {DEPOSITORY: "Bank account", CREDIT: "Card", INVESTMENT: "Investment", LOAN: "Loan"}
"""For an account whose bank gives no subtype."""

_NOTHING = ("", "other", "none", "null")


@lru_cache(maxsize=1024)
def subtype_words(account_type: str, subtype: str | None) -> str:
    """'401(k)', 'Student loan', 'Money market'; an unknown subtype in tidy letters, 'Account' when there is nothing."""
    kind = kind_of(account_type)
    key = _plain(subtype)
    if kind == LOAN and key in _LOANS:
        return _LOANS[key]
    if key in _NOTHING:
        return _BY_KIND.get(kind) or _tidy(_plain(account_type)) or "Account"
    return _WORDS.get(key) or _tidy(key)


def _plain(text: str | None) -> str:
    return " ".join((text or "").replace("_", " ").lower().split())


def _tidy(text: str) -> str:
    return "" if text in _NOTHING else text[:1].upper() + text[1:]

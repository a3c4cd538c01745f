"""Link's metadata comes through the browser: any shape, any text, and never a failure."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extensions import db
from models import FinancialInstitution
from services.linking import LinkHint, link
from tests.support.factories import make_account, make_institution, make_user

# Text as JSON can carry it: with NUL, with halves of surrogate pairs, with anything.
ANY_TEXT = st.text(
    st.characters(codec=None) | st.characters(categories=["Cs"]) | st.just("\x00"), max_size=40
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
ACCOUNT = st.fixed_dictionaries({}, optional={"id": ANYTHING, "name": SCALARS, "mask": SCALARS}) | ANYTHING
INSTITUTION = st.fixed_dictionaries({}, optional={"institution_id": SCALARS, "name": SCALARS}) | ANYTHING
METADATA = (
    st.fixed_dictionaries(
        {}, optional={"institution": INSTITUTION, "accounts": st.lists(ACCOUNT, max_size=5) | ANYTHING}
    )
    | ANYTHING
)
_numbers = itertools.count(1)


@given(metadata=METADATA)
@settings(max_examples=300, deadline=None)
def test_any_metadata_is_understood_as_far_as_it_makes_sense(metadata):
    hint = LinkHint(metadata)
    for value, limit in ((hint.institution_id, 64), (hint.name, 255)):
        assert value is None or 0 < len(value) <= limit
        assert value is None or value.encode("utf-8").decode() == value
        assert value is None or "\x00" not in value
    for name, mask in hint.accounts:
        assert 0 < len(name) <= 1000
        assert mask is None or 0 < len(mask) <= 16


@pytest.fixture
def numbered(bank):
    """Every exchange gives an Item of its own."""

    def exchange(_body):
        number = next(_numbers)
        return {"access_token": f"access-{number}", "item_id": f"metadata-item-{number}"}

    bank.always("/item/public_token/exchange", exchange)
    return bank


@given(metadata=METADATA)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_metadata_can_be_linked_and_stored(context, numbered, banks, metadata):
    user = make_user()
    make_account(make_institution(user, name="Any Bank"), name="Any")
    institution = link(
        user, f"public-metadata-{next(_numbers)}", metadata, confirm_duplicate=False, banks=banks
    )
    db.session.expire_all()
    saved = db.session.get_one(FinancialInstitution, institution.id)
    assert saved.name == (LinkHint(metadata).name or "Your bank")
    assert saved.plaid_institution_id == LinkHint(metadata).institution_id


@pytest.mark.parametrize(
    "name, stored",
    [
        ("Café\x00 \ud800Bank", "Café Bank"),
        ("\x00\ud800", "Your bank"),
        ("  Spaced  ", "Spaced"),
        ("B" * 300, "B" * 255),
        ("😀" * 300, "😀" * 255),
        ("", "Your bank"),
        (7, "Your bank"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; DROP TABLE users; --", "'; DROP TABLE users; --"),
    ],
)
def test_the_name_is_kept_as_far_as_it_can_be_stored(context, numbered, banks, name, stored):
    metadata = {"institution": {"institution_id": "ins\x00_1\udfff", "name": name}}
    institution = link(make_user(), f"t{next(_numbers)}", metadata, confirm_duplicate=False, banks=banks)
    db.session.expire_all()
    assert (institution.name, institution.plaid_institution_id) == (stored, "ins_1")


def test_account_names_with_nul_and_lone_surrogates_still_find_a_duplicate(context, numbered, banks):
    from domain.errors import Conflict

    user = make_user()
    make_account(make_institution(user, plaid_institution_id="ins_1"), name="Café", mask="0000")
    metadata = {
        "institution": {"institution_id": "ins_1"},
        "accounts": [None, {"name": "\ud800"}, {"name": "Ca\x00fé\ud800", "mask": "00\x0000"}],
    }
    with pytest.raises(Conflict):
        link(user, f"t{next(_numbers)}", metadata, confirm_duplicate=False, banks=banks)


def test_metadata_of_very_many_accounts_is_read_only_so_far(context, numbered, banks):
    metadata = {"institution": {"name": "Big"}, "accounts": [{"name": f"A{n}"} for n in range(5000)]}
    assert len(LinkHint(metadata).accounts) == 200
    assert (
        link(make_user(), f"t{next(_numbers)}", metadata, confirm_duplicate=False, banks=banks).name == "Big"
    )

"""Which account is which after a new link: never a guess."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.matching import AccountFace, match_accounts


def face(
    number: int, name="Checking", mask: str | None = "0000", subtype="checking", persistent=None
) -> AccountFace:
    return AccountFace(number, persistent, name, mask, "depository", subtype)


def test_name_mask_and_kind_together_make_an_account():
    old = [face(1), face(2, "Savings", "1111", "savings")]
    new = [face(12, "Savings", "1111", "savings"), face(11)]
    assert match_accounts(old, new) == {1: 11, 2: 12}


def test_one_of_them_alone_does_not():
    for other in (
        face(11, name="Chequing"),
        face(11, mask="9999"),
        face(11, mask=None),
        face(11, subtype="savings"),
    ):
        assert match_accounts([face(1)], [other]) == {1: None}


def test_two_that_look_alike_on_either_side_are_left_alone():
    assert match_accounts([face(1)], [face(11), face(12)]) == {1: None}
    assert match_accounts([face(1), face(2)], [face(11)]) == {1: None, 2: None}
    assert match_accounts([face(1), face(2)], [face(11), face(12)]) == {1: None, 2: None}


def test_the_banks_own_id_decides_where_there_is_one():
    old = [face(1, persistent="p1"), face(2, persistent="p2")]
    new = [face(12, persistent="p2"), face(11, "Renamed", "4321", persistent="p1")]
    assert match_accounts(old, new) == {1: 11, 2: 12}


def test_another_id_of_the_bank_is_another_account_however_alike():
    assert match_accounts([face(1, persistent="p1")], [face(11, persistent="p2")]) == {1: None}
    assert match_accounts([face(1, persistent="p1")], [face(11)]) == {1: 11}, "one side may not say"


def test_an_id_that_settles_one_of_a_pair_settles_the_other():
    old = [face(1, persistent="p1"), face(2)]
    new = [face(11, persistent="p1"), face(12)]
    assert match_accounts(old, new) == {1: 11, 2: 12}


FACES = st.builds(
    AccountFace,
    st.integers(1, 40),
    st.sampled_from([None, "p1", "p2"]),
    st.sampled_from(["A", "B"]),
    st.sampled_from([None, "0", "1"]),
    st.just("depository"),
    st.sampled_from([None, "checking"]),
)


@given(st.lists(FACES, unique_by=lambda each: each.id), st.lists(FACES, unique_by=lambda each: each.id))
def test_every_old_account_gets_at_most_one_new_one_and_no_new_one_twice(old, new):
    new = [
        AccountFace(each.id + 100, *[getattr(each, name) for name in AccountFace.__slots__[1:]])
        for each in new
    ]
    matched = match_accounts(old, new)
    assert matched.keys() == {each.id for each in old}
    found = [number for number in matched.values() if number is not None]
    assert len(found) == len(set(found))
    assert set(found) <= {each.id for each in new}

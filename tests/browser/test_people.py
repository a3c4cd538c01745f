"""Signing up, logging in and out, the profile: as a person sees it, at desktop width and at 320 px."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.support.visitor import PASSWORD

OTHER_PASSWORD = "a different lot of quiet words"


@pytest.mark.parametrize("path", ["/", "/about", "/privacy", "/terms", "/login", "/signup", "/not-here"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_anybody_may_read_are_accessible(person: Person, path: str, scheme: str) -> None:
    person.refused = {404}
    person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    person.go(path)
    expect(person.page.get_by_role("heading", level=1)).to_be_visible()
    person.check()


def test_the_welcome_page_offers_demo_sign_up_log_in_and_about(person: Person) -> None:
    person.go()
    main = person.page.locator("body")
    for name in ("Sign up", "Log in", "About"):
        expect(main.get_by_role("link", name=name).first).to_be_attached()
    expect(main.get_by_role("button", name=re.compile("demo", re.IGNORECASE)).first).to_be_visible()


def test_sign_up_says_what_is_wrong_beside_the_field_and_loses_nothing(person: Person) -> None:
    person.refused = {400}
    person.go("/signup")
    person.username = "somebody_else"
    person.fill_sign_up()
    person.page.get_by_label("Phone number").fill("(800) 555-2671")
    person.page.get_by_role("button", name="Sign up").click()

    phone = person.page.get_by_label("Phone number")
    expect(phone).to_have_attribute("aria-invalid", "true")
    described = phone.get_attribute("aria-describedby") or ""
    words = " ".join(person.page.locator(f"#{name}").inner_text() for name in described.split())
    assert "Toll-free" in words
    expect(phone).to_be_focused()
    expect(phone).to_have_value("(800) 555-2671")
    expect(person.page.get_by_label("Username")).to_have_value("somebody_else")
    expect(person.page.get_by_label("Password", exact=True)).to_have_value("")
    person.check()


def test_the_time_zone_comes_from_the_browser(person: Person) -> None:
    person.go("/signup")
    expect(person.page.get_by_label("Time zone")).to_have_value("America/Chicago")


def test_sign_up_log_out_and_log_in(person: Person) -> None:
    person.sign_up()
    expect(person.page.get_by_role("heading", name="Start with one institution")).to_be_visible()
    person.check()
    person.page.locator("#user-options").scroll_into_view_if_needed()
    person.page.locator("main").get_by_role("button", name="Log out").click()
    expect(person.page.get_by_text("You are logged out.")).to_be_visible()

    person.page.get_by_label("Username").fill(person.username.upper())
    person.page.get_by_label("Password", exact=True).fill(PASSWORD)
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_role("heading", name="Overview", level=1)).to_be_attached()


def test_a_wrong_password_is_said_without_saying_which_part_is_wrong(person: Person) -> None:
    person.refused = {400}
    person.go("/login")
    person.page.get_by_label("Username").fill("nobody_by_this_name")
    person.page.get_by_label("Password", exact=True).fill("not the password at all")
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_text("That username and password do not match.")).to_be_visible()
    expect(person.page.get_by_label("Username")).to_have_value("nobody_by_this_name")
    person.check()


def test_the_profile_is_filled_in_and_changes_only_with_the_password(person: Person) -> None:
    person.sign_up()
    person.go("/users/update-profile")
    expect(person.page.get_by_label("First name")).to_have_value("Ada")
    expect(person.page.get_by_label("Phone number")).to_have_value("(415) 555-2671")
    expect(person.page.get_by_label("Time zone")).to_have_value("America/Chicago")
    person.check()

    person.page.get_by_label("First name").fill("Augusta")
    person.page.get_by_label("Time zone").select_option("America/Los_Angeles")
    person.refused = {400}
    person.page.get_by_role("button", name="Save changes").click()
    expect(person.page.get_by_text("Please enter your current password.")).to_be_visible()
    expect(person.page.get_by_label("First name")).to_have_value("Augusta")

    person.page.get_by_label("Current password", exact=True).fill(PASSWORD)
    person.page.get_by_role("button", name="Save changes").click()
    expect(person.page.get_by_text("Your profile is saved.")).to_be_visible()
    person.go("/users/update-profile")
    expect(person.page.get_by_label("First name")).to_have_value("Augusta")
    expect(person.page.get_by_label("Time zone")).to_have_value("America/Los_Angeles")


def test_a_new_password_ends_other_sessions(people, width: str) -> None:
    person, elsewhere = people(width), people(width)
    person.sign_up()
    elsewhere.go("/login")
    elsewhere.page.get_by_label("Username").fill(person.username)
    elsewhere.page.get_by_label("Password", exact=True).fill(PASSWORD)
    elsewhere.page.get_by_role("button", name="Log in").click()
    expect(elsewhere.page.get_by_role("heading", name="Overview", level=1)).to_be_attached()

    person.go("/users/change-password")
    person.check()
    person.page.get_by_label("Current password", exact=True).fill(PASSWORD)
    person.page.get_by_label("New password", exact=True).fill(OTHER_PASSWORD)
    person.page.get_by_role("button", name="Change password").click()
    expect(person.page.get_by_text("Your password is changed.")).to_be_visible()

    elsewhere.go("/users/update-profile")
    expect(elsewhere.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_deleting_the_profile_says_what_goes_and_needs_the_password(person: Person) -> None:
    person.sign_up()
    person.link_bank()
    person.go("/users/delete")
    expect(person.page.get_by_text("1 institution with 14 accounts")).to_be_visible()
    person.check()
    person.page.get_by_label("Current password", exact=True).fill(PASSWORD)
    person.page.get_by_role("button", name="Delete my profile").click()
    expect(person.page.get_by_text("Your profile and everything in it are deleted.")).to_be_visible()

    person.refused = {400}
    person.go("/login")
    person.page.get_by_label("Username").fill(person.username)
    person.page.get_by_label("Password", exact=True).fill(PASSWORD)
    person.page.get_by_role("button", name="Log in").click()
    expect(person.page.get_by_text("That username and password do not match.")).to_be_visible()

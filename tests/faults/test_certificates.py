"""Fault row 41: the vendor's certificate is not to be trusted. Whoever is there is told nothing (no key, token or
number), and there is no setting that turns the check off. Twilio's side: tests/providers/test_twilio_failures.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from extensions import db
from models import FinancialInstitution
from providers.base import ProviderError
from services.refreshing import Outcome, refresh
from tests.faults.conftest import BROKEN
from tests.support.banks import banks_at
from tests.support.factories import make_institution, make_user
from tests.support.tls import untrusted_server

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[None, "", "/dev/null"], ids=["as it is", "empty bundle", "no bundle"])
def surroundings(request, monkeypatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONHTTPSVERIFY"):
        monkeypatch.delenv(name, raising=False)
        if request.param is not None:
            monkeypatch.setenv(name, request.param)


@pytest.mark.usefixtures("surroundings")
def test_row_41_a_bank_vendor_that_cannot_prove_itself_is_told_nothing(context, tmp_path):
    number = make_institution(make_user(), access_token=BROKEN).id
    with untrusted_server(tmp_path) as (url, heard):
        banks = banks_at(url)
        assert refresh(number, banks, 60) is Outcome.FAILED
        with pytest.raises(ProviderError) as caught:
            banks["sandbox"].exchange("public-1")
    assert caught.value.code.startswith("TRANSPORT_")
    assert heard == []
    row = db.session.get_one(FinancialInstitution, number, populate_existing=True)
    assert row.state == "error"
    assert row.refreshed_at is not None, "the numbers stay, with their age"


OFF = re.compile(
    r"verify\s*=\s*False|verify_ssl\s*=\s*False|CERT_NONE|_create_unverified_context|check_hostname\s*=\s*False"
)


def test_row_41_no_code_of_ours_turns_the_check_off():
    folders = ("providers", "services", "views", "background", "CronJobs", "domain")
    files = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    assert len(files) > 50
    assert [path.name for path in files if OFF.search(path.read_text(encoding="utf-8"))] == []
    assert OFF.search("requests.get(url, verify=False)")

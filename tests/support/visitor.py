"""A person with a browser but without a screen: pages, forms and JSON over real HTTP, with cookies and CSRF."""

from __future__ import annotations

import re
import time
from typing import Any

import requests

PASSWORD = "nine lives of a tin robot"
_META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class Visitor:
    """One browser. `statuses` keeps the status of every answer."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.statuses: list[int] = []
        self.token = ""

    def get(self, path: str) -> requests.Response:
        return self._seen(self.http.get(self.base_url + path, timeout=30))

    def form(self, path: str, **fields: str) -> requests.Response:
        """Submit a form the way its page does; redirects are followed."""
        data = {"csrf_token": self._csrf(path), **fields}
        return self._seen(self.http.post(self.base_url + path, data=data, timeout=30))

    def json(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        headers = {"X-CSRFToken": self.token or self._csrf("/")}
        return self._seen(
            self.http.request(method, self.base_url + path, json=body, headers=headers, timeout=30)
        )

    def sign_up(self, username: str, **changes: str) -> Visitor:
        fields = {
            "username": username,
            "password": PASSWORD,
            "phone_number": "(415) 555-2671",
            "first_name": "Test",
            "last_name": "Person",
            "account_type": "sandbox",
            "timezone": "America/New_York",
        }
        answer = self.form("/signup", **{**fields, **changes})
        assert answer.status_code == 200, answer.text
        self.token = self._csrf("/")
        return self

    def link(self, public_token: str) -> requests.Response:
        body = {"public_token": public_token, "confirm_duplicate": True}
        return self.json("POST", "/financial-institutions", body)

    def wait_until_done(self, institution_id: int, seconds: float = 30) -> dict[str, Any]:
        """Poll as the page does until no work is under way; the resource."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            resource = self.get(f"/financial-institutions/{institution_id}").json()
            if not resource["working"]:
                return resource
            time.sleep(0.1)
        raise TimeoutError(f"institution {institution_id} is still {resource['stage']}")

    def reconnect(self) -> None:
        """Forget open connections: the process at their other end may be dead."""
        self.http.close()

    def _csrf(self, path: str) -> str:
        page = self.http.get(self.base_url + path, timeout=30)
        found = _META.search(page.text)
        assert found, f"{path} has no token: {page.status_code}"
        return found[1]

    def _seen(self, response: requests.Response) -> requests.Response:
        self.statuses.append(response.status_code)
        return response


def public_token(simulator_url: str, institution_id: str = "ins_109508", username: str = "user_good") -> str:
    """A fresh public token from the simulator, as Link would give it."""
    answer = requests.post(
        f"{simulator_url}/sandbox/public_token/create",
        json={
            "client_id": "simulator",
            "secret": "simulator-sandbox-secret",
            "institution_id": institution_id,
            "initial_products": ["transactions"],
            "options": {"override_username": username, "override_password": "pass_good"},
        },
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()["public_token"]

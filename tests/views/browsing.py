"""A browser without a window: it reads pages, keeps cookies and sends the page's own CSRF token."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What a test asks of an HTML page: its fields, the text of elements by id, its token, its links."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = markup
        self.fields: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[tuple[str, str | None]] = []
        self._select: str | None = None
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.elements.append((tag, names))
        if tag in ("input", "select", "textarea") and (name := names.get("name")):
            self.fields.setdefault(name, names)
        if tag == "select":
            self._select = names.get("name")
        if tag == "option" and "selected" in names and self._select:
            self.fields[self._select]["value"] = names.get("value")
        if tag not in VOID:
            self._open.append((tag, names.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, key in self._open:
            if key:
                self.texts[key] = self.texts.get(key, "") + data

    @property
    def token(self) -> str:
        return next(str(names["content"]) for _, names in self.elements if names.get("name") == "csrf-token")

    def error(self, field: str) -> str:
        """What stands beside the field and is tied to it by aria-describedby; '' for nothing."""
        names = self.fields[field]
        described = (names.get("aria-describedby") or "").split()
        text = " ".join(self.texts[key].strip() for key in described if key.endswith("error"))
        assert bool(text) == (names.get("aria-invalid") == "true"), (
            "an error is marked for screen readers too"
        )
        return text

    def value(self, field: str) -> str | None:
        return self.fields[field].get("value")


class Browser:
    """A Flask test client with manners: forms are posted as their page gives them."""

    def __init__(self, client: FlaskClient, origin: str = "http://localhost") -> None:
        self.client = client
        self.origin = origin

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, base_url=self.origin, **options)

    def page(self, path: str) -> Page:
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return Page(answer.text)

    def token(self) -> str:
        return self.page("/about").token

    def post(self, path: str, form_at: str | None = None, **fields: str) -> TestResponse:
        """Open the form's page, then send it with these fields and its token."""
        token = self.page(form_at or path).token
        return self.client.post(
            path,
            data={"csrf_token": token, **fields},
            base_url=self.origin,
            headers={"Referer": f"{self.origin}{form_at or path}"},
        )

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """A JSON request as the scripts send it, with the page's token."""
        headers = {"X-CSRFToken": self.token(), "Referer": f"{self.origin}/", **options.pop("headers", {})}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.open(path, method=method, base_url=self.origin, headers=headers, **options)

    @property
    def cookie(self) -> str | None:
        """The value of the session cookie."""
        kept = self.client.get_cookie("session") or self.client.get_cookie("__Host-session")
        return kept.value if kept else None

"""Headers on every answer: what a browser may load, keep and tell others; and a request id."""

from __future__ import annotations

import logging
import time
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session
from werkzeug.wrappers import Response as AnyResponse

from views.http import request_id

log = logging.getLogger("cashview.request")

PLAID_CDN = "https://cdn.plaid.com/"
_BASE = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_add)


def allow_link() -> None:
    """Let this page load Plaid's Link script, or its stand-in. Only the page with Link calls it."""
    g.link_allowed = True


def content_security_policy(link_script_url: str | None) -> str:
    """The policy as one header value. Plaid's own script needs the hosts Plaid documents and style attributes."""
    policy = dict(_BASE)
    if link_script_url is not None:
        policy |= _link_sources(link_script_url)
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _link_sources(script_url: str) -> dict[str, str]:
    if script_url.startswith(PLAID_CDN):
        return {
            "script-src": f"'self' {script_url}",
            "frame-src": PLAID_CDN,
            "connect-src": "'self' https://sandbox.plaid.com/ https://production.plaid.com/",
            "style-src-attr": "'unsafe-inline'",
        }
    parts = urlsplit(script_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return {"script-src": f"'self' {origin}", "frame-src": origin, "connect-src": f"'self' {origin}"}


def _begin() -> AnyResponse | None:
    g.begun = time.perf_counter()
    settings = current_app.config["SETTINGS"]
    behind_tls = settings.is_production and settings.trust_proxy and not request.is_secure
    if behind_tls and request.method in ("GET", "HEAD") and request.blueprint != "health":
        base = settings.public_base_url or f"https://{request.host}"
        return redirect(base + request.full_path.rstrip("?"), code=308)
    return None


def _add(response: Response) -> Response:
    settings = current_app.config["SETTINGS"]
    link = settings.plaid_link_script_url if g.get("link_allowed") else None
    response.headers["X-Request-ID"] = request_id()
    response.headers["Content-Security-Policy"] = content_security_policy(link)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if _is_personal():
        response.headers.setdefault("Cache-Control", "no-store")
    _log(response)
    return response


def _is_personal() -> bool:
    """Signed-in pages, and forms: what they show must not come back from a cache or the Back button."""
    return request.method != "GET" or bool(session and session.get("_user_id"))


def _log(response: Response) -> None:
    """One line a request: no query string, no body, no name, no address."""
    took = (time.perf_counter() - g.get("begun", time.perf_counter())) * 1000
    log.debug(
        "%s %s %s %.0f ms %s",
        request.method,
        request.endpoint,
        response.status_code,
        took,
        request_id(),
    )

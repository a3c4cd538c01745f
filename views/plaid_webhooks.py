"""News from Plaid: checked, kept and answered within a second; the work is done afterwards."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from domain.errors import BadInput
from extensions import csrf
from services import webhook_receipts

blueprint = Blueprint("plaid_webhooks", __name__)
csrf.exempt(blueprint)


@blueprint.post("/webhooks/plaid")
def receive() -> Response:
    """200 for what Plaid has signed, also when it is old news or of nobody here; 503 asks Plaid to send it again."""
    body = request.get_data()  # before anything else reads it: the signature is of these very bytes
    if not request.is_json:
        raise BadInput("Please send JSON with Content-Type application/json.")
    signature = request.headers.get("Plaid-Verification", "")
    webhook_receipts.receive(body, signature, current_app.extensions["read_webhook"])
    return jsonify(status="received")

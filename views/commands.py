"""What the person who runs the site types: `flask rewrap-secrets`, `flask move-webhooks`."""

from __future__ import annotations

import click
from flask import Blueprint, current_app

from services.moving_webhooks import move_webhooks
from services.rewrapping import rewrap_secrets
from views.http import banks

blueprint = Blueprint("commands", __name__, cli_group=None)


@blueprint.cli.command("rewrap-secrets")
def rewrap() -> None:
    """Re-encrypt every stored secret with the newest of ENCRYPTION_KEYS."""
    report = rewrap_secrets()
    click.echo(f"{report.moved} secrets are under the newest key, {report.unreadable} cannot be opened.")
    if report.unreadable:
        raise SystemExit(1)


@blueprint.cli.command("move-webhooks")
def move() -> None:
    """Tell Plaid the PLAID_WEBHOOK_URL of today for every Item that still has another one."""
    url = current_app.config["SETTINGS"].plaid_webhook_to_send
    if url is None:
        raise click.ClickException("PLAID_WEBHOOK_URL is not set, or Plaid could not reach it.")
    report = move_webhooks(url, banks())
    for line in report.lines():
        click.echo(line)
    if not report.all_moved:
        raise SystemExit(1)

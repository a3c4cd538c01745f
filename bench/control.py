"""The application with one page more: the control that the dashboard is held against. Only the bench serves it."""

from __future__ import annotations

from flask import Blueprint, Flask, current_app
from sqlalchemy import select

from app import create_app
from extensions import db
from models import Account

ROWS = 20
_PAGE = """<!doctype html>
<html lang="en"><head><title>Control</title></head><body>
<table><thead><tr><th>Id</th><th>Name</th><th>Type</th><th>Subtype</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row.id }}</td><td>{{ row.name }}</td>
<td>{{ row.type }}</td><td>{{ row.subtype }}</td></tr>
{% endfor %}</tbody></table></body></html>"""

blueprint = Blueprint("bench", __name__)


@blueprint.get("/bench/control")
def control() -> str:
    """One query, a plain table of 20 rows."""
    columns = (Account.id, Account.name, Account.type, Account.subtype)
    rows = db.session.execute(select(*columns).order_by(Account.id).limit(ROWS)).all()
    return current_app.extensions["bench_page"].render(rows=rows)


def create_bench_app() -> Flask:
    """What gunicorn serves for the bench: settings from the environment, as always."""
    app = create_app()
    app.extensions["bench_page"] = app.jinja_env.from_string(_PAGE)
    app.register_blueprint(blueprint)
    return app

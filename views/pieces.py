"""Pieces of the dashboard, rendered alone: what JSON answers carry for the page to swap in."""

from __future__ import annotations

from flask import render_template

from services.reporting import Dashboard, InstitutionView


def card(view: InstitutionView) -> str:
    return render_template("dashboard/_institution.html", institution=view)


def totals(dashboard: Dashboard) -> str:
    """Everything outside the cards that figures of a card change."""
    names = ("_summary", "_institutions_head", "_empty")
    return "".join(render_template(f"dashboard/{name}.html", dashboard=dashboard) for name in names)

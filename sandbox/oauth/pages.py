"""The sign-in service over HTTP: /oauth/microsoft and /oauth/google, for clients and people."""

import time
from html import escape
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.oauth.provider import OauthProvider, Refused


def blueprint(provider: OauthProvider) -> Blueprint:
    """`/oauth/microsoft/{directory}/oauth2/v2.0/authorize|token`, `/oauth/google/auth`, `/oauth/google/token`."""
    routes = Blueprint("oauth", __name__, url_prefix="/oauth")

    @routes.errorhandler(Refused)
    def refuse(error: Refused) -> tuple[Response, int]:
        return jsonify(error=error.code, error_description=str(error)), error.status

    @routes.route("/microsoft/<directory>/oauth2/v2.0/authorize", methods=["GET", "POST"])
    def microsoft(directory: str) -> AnyResponse | str:
        return _consent(provider, "microsoft")

    @routes.route("/google/auth", methods=["GET", "POST"])
    def google() -> AnyResponse | str:
        return _consent(provider, "google")

    def told(tokens: dict[str, Any]) -> Response:
        time.sleep(provider.settings.slow)
        return jsonify(tokens)

    @routes.post("/microsoft/<directory>/oauth2/v2.0/token")
    def microsoft_token(directory: str) -> Response:
        return told(provider.token("microsoft", directory, request.form.to_dict(), request.base_url))

    @routes.post("/google/token")
    def google_token() -> Response:
        return told(provider.token("google", "", request.form.to_dict(), request.base_url))

    return routes


def _consent(provider: OauthProvider, name: str) -> AnyResponse | str:
    asked = request.args.to_dict()
    settings = provider.settings
    answer, account = settings.answer, settings.account
    if request.method == "POST":
        answer, account = request.form.get("answer", "refuse"), request.form.get("account") or account
    if answer == "ask":
        account = asked.get("login_hint") or account
        return _PAGE.format(name=escape(name), account=escape(account), scope=escape(asked.get("scope", "")))
    told: dict[str, str] = {"state": asked.get("state", "")}
    if answer == "accept":
        told["code"] = provider.code(name, asked, account)
    else:
        told |= {"error": "access_denied", "error_description": "The person refused the consent."}
    return redirect(f"{asked.get('redirect_uri', '/')}?{urlencode(told)}", 302)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in for {name}</title>
<style>body{{font:16px/1.5 sans-serif;margin:3em auto;max-width:32em}}</style>
<h1>Stand-in for {name}'s sign-in</h1><p>An app asks for: {scope}</p>
<form method="post"><label>Account <input name="account" value="{account}" size="40"></label>
<p><button name="answer" value="accept">Accept</button> <button name="answer" value="refuse">Refuse</button></p></form>
"""

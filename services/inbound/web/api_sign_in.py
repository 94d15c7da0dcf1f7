"""The addresses of a sign-in at Microsoft or Google: begun and asked about by the page, walked through by a popup."""

from html import escape
from typing import Any
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, request
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema
from werkzeug.wrappers import Response as AnyResponse

from common.errors import Fault
from common.openapi import PAGE
from common.web import check_project_session, current_session
from inbound.mailboxes.logins import complaint
from inbound.mailboxes.signing_in import Elsewhere, MustAsk, SignIns
from inbound.scope import scope_of
from inbound.store_sign_in import LIFE


class SignInBody(Schema):
    """Where to sign in, and for which mailbox; `kind` counts for one that is not saved yet."""

    class Meta:
        unknown = EXCLUDE

    provider = fields.String(required=True, validate=validate.OneOf(("microsoft", "google")))
    mailbox = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"[a-z2-7]{16}\Z", error="Give an id as this API names it."),
    )
    kind = fields.String(load_default="imap", validate=validate.OneOf(("imap", "pop3", "graph")))

    @validates_schema
    def _fitting(self, data: dict[str, Any], **_: Any) -> None:
        if wrong := complaint(data["kind"], "oauth", data["provider"]):
            raise ValidationError(wrong[1], wrong[0])


class SignInBegun(Schema):
    """What the popup opens, and the name under which to ask how it went."""

    url = fields.String()
    state = fields.String()


class SignInStatus(Schema):
    """How it went. problem: a sentence; account: who signed in, null where the provider did not say."""

    done = fields.Boolean()
    account = fields.String(allow_none=True)
    problem = fields.String(allow_none=True)


def sign_in_blueprint(sign_ins: SignIns, base_url: str) -> Blueprint:
    """For the page."""
    pages = Blueprint("sign_in", __name__, url_prefix="/api/inbound/sign-in", description="Signing in at a provider")
    pages.before_request(check_project_session)
    cookie = _Cookie(base_url)

    @pages.post("")
    @pages.arguments(SignInBody)
    @pages.response(200, SignInBegun)
    @pages.alt_response(404, description="There is no such mailbox.")
    def begin(body: dict[str, Any]) -> Any:
        """Begin: open `url` in a popup, then ask for the state until it is done."""
        session = current_session(project=True)
        begun = sign_ins.begin(scope_of(session), body["provider"], body["kind"], body["mailbox"], session.account)
        return {"url": begun.url, "state": begun.state}, 200, {"Set-Cookie": cookie.made(begun.browser)}

    @pages.get("/<state>")
    @pages.response(200, SignInStatus)
    def status(state: str) -> dict[str, Any]:
        """How a sign-in went."""
        return sign_ins.status(current_session(project=True).tenant, state)

    return pages


def popup_blueprint(sign_ins: SignIns, base_url: str) -> Blueprint:
    """For the popup: it has no page session, its cookie and the state speak for it."""
    pages = Blueprint(
        "sign_in_popup", __name__, url_prefix="/api/inbound/sign-in", description="The popup of a sign-in"
    )
    cookie = _Cookie(base_url)

    @pages.get("/<state>/leave")
    @pages.doc(**PAGE)
    @pages.response(303)
    @pages.alt_response(200, description="A page that asks whether the person began this.")
    @pages.alt_response(400, description="A page: not begun in this browser, too long ago, or over.")
    def leave(state: str) -> AnyResponse:
        """To the provider."""
        try:
            return _bare(redirect(sign_ins.leave(state, cookie.value()), 303))
        except MustAsk:
            return _page(200, _ASK, button=True)
        except Elsewhere:
            return _page(400, _ELSEWHERE)
        except Fault as fault:
            return _page(503, str(fault))

    @pages.post("/<state>/leave")
    @pages.doc(**PAGE)
    @pages.response(303)
    @pages.alt_response(400, description="A page: not from our own page, too long ago, or over.")
    def leave_asked(state: str) -> AnyResponse:
        """To the provider, after the person said that they began this."""
        if request.headers.get("Origin") not in (None, _origin(base_url)):
            return _page(400, _ELSEWHERE)
        try:
            address, browser = sign_ins.leave_asked(state)
        except Elsewhere:
            return _page(400, _ELSEWHERE)
        except Fault as fault:
            return _page(503, str(fault))
        answer = _bare(redirect(address, 303))
        answer.headers.add("Set-Cookie", cookie.made(browser))
        return answer

    @pages.get("/callback")
    @pages.doc(**PAGE)
    @pages.response(200)
    @pages.alt_response(400, description="A page: not begun in this browser, too long ago, or over.")
    def come_back() -> AnyResponse:
        """From the provider; the page finds out by asking for the state."""
        try:
            account, problem = sign_ins.come_back(request.args, cookie.value())
        except Elsewhere:
            return _page(400, _ELSEWHERE)
        except Fault as fault:
            return _page(503, f"{fault} Begin the sign-in anew.")
        answer = _page(200, problem or f"You are signed in{f' as {account}' if account else ''}. {_CLOSE}")
        answer.headers.add("Set-Cookie", cookie.gone())
        return answer

    return pages


class _Cookie:
    """`mailbridge_sign_in`: no script reads it, and over https no other host can set it."""

    def __init__(self, base_url: str) -> None:
        self._secure = base_url.startswith("https://")
        self._name = f"{'__Host-' if self._secure else ''}mailbridge_sign_in"

    def value(self) -> str | None:
        return request.cookies.get(self._name) or None

    def made(self, browser: str) -> str:
        return f"{self._name}={browser}; Max-Age={int(LIFE)}; Path=/; HttpOnly; SameSite=Lax" + self._end()

    def gone(self) -> str:
        return f"{self._name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" + self._end()

    def _end(self) -> str:
        return "; Secure" if self._secure else ""


_CLOSE = "You can close this window."
_ELSEWHERE = (
    "This sign-in was not begun in this browser, or too long ago, or is over. Close this window and begin anew."
)
_ASK = (
    "Mailbridge is about to ask for access to a mailbox. Go on only if you opened this window yourself, from Mailbridge's "
    "page in Jira: whoever sent you a link to here would get to read your mail."
)
_BUTTON = '<form method="post"><button>I opened it: go on</button></form>'


def _page(status: int, sentence: str, *, button: bool = False) -> AnyResponse:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Mailbridge</title>'
        '<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 sans-serif;margin:3em auto;'
        f"max-width:32em;padding:0 1em}}</style><h1>Mailbridge</h1><p>{escape(sentence)}</p>{_BUTTON if button else ''}"
    )
    answer: Response = make_response(text, status)
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return _bare(answer)


def _bare(answer: AnyResponse) -> AnyResponse:
    """Neither kept nor told to the next site."""
    answer.headers["Cache-Control"] = "no-store"
    # Not no-referrer: with it a browser sends "Origin: null" with our own page's form.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()

"""The page's help with a new mailbox: which providers there are, and which one an address is at."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, fields, validate

from common.web import check_project_session
from inbound.config import Config
from inbound.sources import presets


class PresetQuery(Schema):
    """An address, or a host, as far as it has been typed."""

    class Meta:
        unknown = EXCLUDE

    address = fields.String(load_default="", validate=validate.Length(max=320))


class Server(Schema):
    """A server and how to reach it."""

    host = fields.String()
    port = fields.Integer()
    security = fields.String(metadata={"description": "tls or starttls"})


class Preset(Schema):
    """A provider."""

    id = fields.String()
    name = fields.String()
    domains = fields.List(fields.String())
    imap = fields.Nested(Server, allow_none=True)
    pop3 = fields.Nested(Server, allow_none=True)
    smtp = fields.Nested(Server, allow_none=True)
    username = fields.String(metadata={"description": "address, or local: the part before the @"})
    auth = fields.List(fields.String(), metadata={"description": "oauth, password, app_password; best first"})
    provider = fields.String(allow_none=True, metadata={"description": "whose sign-in: microsoft or google"})
    authserv_id = fields.String(allow_none=True)
    remedy = fields.String(metadata={"description": "what to do when the login is refused"})


class Presets(Schema):
    """What the form of a mailbox offers."""

    presets = fields.List(fields.Nested(Preset))
    suggested = fields.String(allow_none=True)
    refused = fields.String(
        allow_none=True, metadata={"description": "why this address cannot be read, and what to do"}
    )
    egress = fields.List(fields.String(), metadata={"description": "the addresses a mail server has to let in"})
    providers = fields.List(fields.String(), metadata={"description": "where one can sign in here"})


def blueprint(config: Config) -> Blueprint:
    """`GET /api/inbound/presets`."""
    pages = Blueprint("presets", __name__, url_prefix="/api/inbound/presets", description="Mail providers")
    pages.before_request(check_project_session)

    @pages.get("")
    @pages.arguments(PresetQuery, location="query")
    @pages.response(200, Presets)
    def every(query: dict[str, Any]) -> dict[str, Any]:
        """All presets, and the one for an address."""
        address = query["address"]
        found = presets.suggested(address)
        return {
            "presets": presets.PRESETS,
            "suggested": found.id if found else None,
            "refused": presets.refused(address),
            "egress": config.egress_addresses,
            "providers": config.oauth.providers,
        }

    return pages

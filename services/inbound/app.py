"""The web process of inbound: `gunicorn 'inbound.app:create_app()'`."""

import os
from dataclasses import replace

from flask import Flask

from common import log, web
from common.crypto import Vault
from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.http import Http
from common.migrations import check_current
from common.nets import Nets
from common.outbox import Outbox
from common.session_keys import SessionKeys, fetch_from_connect
from inbound.config import Config
from inbound.mailboxes.admin import Mailboxes
from inbound.mailboxes.logins import Logins
from inbound.mailboxes.signing_in import SignIns
from inbound.privacy.erasing import Erasing
from inbound.push.pushing import Pushing
from inbound.sources.opening import grants_for, providers_for
from inbound.tables import data_key, outbox
from inbound.web import api, api_hooks, api_presets, api_privacy, api_push, api_push_token, api_sign_in

# A person waits for a test, and Forge lets a remote answer for 25 seconds only.
_TEST_TIMEOUT = 8.0
_CERTIFICATE_OCTETS = 1 << 20


def create_app(
    config: Config | None = None, *, database: Database | None = None, visit: api_hooks.Visit | None = None
) -> Flask:
    """The application; without arguments it reads the environment and leaves with exit code 2 on a bad value.

    visit: fetches what is at an address of Amazon's, instead of a visit to it.
    """
    if config is None:
        config = read_or_exit(lambda: Config.read(Env(os.environ)))
        log.configure(config.settings.log_level)
    settings = config.settings
    data = database or read_or_exit(lambda: open_database(settings.database_url, "inbound"))
    read_or_exit(lambda: Nets(settings.allow_networks))
    keys = SessionKeys(fetch_from_connect(Http(Nets.everything(), settings.jira_timeout), settings.connect_url))
    patient = replace(config, imap_timeout=min(config.imap_timeout, _TEST_TIMEOUT))
    checks = {"database": lambda: check_current(data, "inbound")}
    app, smorest = web.create_app("inbound", checks, api_title="Mailbridge inbound", session_keys=keys)
    vault = Vault(settings.master_key, data_key)
    sign_ins = SignIns(data, vault, providers_for(patient), config.oauth, settings.base_url)
    logins = Logins(sign_ins, grants_for(patient, data, most=patient.imap_timeout))
    smorest.register_blueprint(api.mailbox_blueprint(Mailboxes(patient, data, vault, logins)))
    smorest.register_blueprint(api.mail_blueprint(data, Outbox(data, outbox)))
    smorest.register_blueprint(api.issue_blueprint(data))
    smorest.register_blueprint(api_presets.blueprint(config))
    smorest.register_blueprint(api_privacy.keeping_blueprint(data, config.keep_days))
    vault = Vault(settings.master_key, data_key)
    erasing = Erasing(data, Outbox(data, outbox), vault, settings.master_key)
    smorest.register_blueprint(api_privacy.erasure_blueprint(data, erasing))
    pushing = Pushing(config, data)
    smorest.register_blueprint(api_push_token.blueprint(pushing, data, settings.base_url))
    app.register_blueprint(api_push.blueprint(pushing))
    amazon = Http(Nets(settings.allow_networks), _TEST_TIMEOUT, limit=_CERTIFICATE_OCTETS)
    app.register_blueprint(api_hooks.blueprint(pushing, visit or api_hooks.visitor(amazon)))
    smorest.register_blueprint(api_sign_in.popup_blueprint(sign_ins, settings.base_url))
    smorest.register_blueprint(api_sign_in.sign_in_blueprint(sign_ins, settings.base_url))
    return app

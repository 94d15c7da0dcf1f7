"""The web process of outbound: `gunicorn 'outbound.app:create_app()'`."""

import os

from flask import Flask

from common import log, web
from common.crypto import Vault
from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.http import Http
from common.migrations import check_current
from common.nets import Nets
from common.session_keys import SessionKeys, fetch_from_connect
from outbound import api, worker
from outbound.config import Config
from outbound.sealing import Sealing
from outbound.senders import Senders
from outbound.tables import data_key
from outbound.transports.pool import SmtpPool

_TEST_TIMEOUT = 10.0


def create_app(config: Config | None = None, *, database: Database | None = None) -> Flask:
    """The application; without arguments it reads the environment and leaves with exit code 2 on a bad value."""
    if config is None:
        config = read_or_exit(lambda: Config.read(Env(os.environ)))
        log.configure(config.settings.log_level)
    settings = config.settings
    data = database or read_or_exit(lambda: open_database(settings.database_url, "outbound"))
    nets = read_or_exit(lambda: Nets(settings.allow_networks))
    keys = SessionKeys(fetch_from_connect(Http(Nets.everything(), settings.jira_timeout), settings.connect_url))
    sealing = Sealing(Vault(settings.master_key, data_key))
    # A person waits for a test: a server that is slower than this is told to be so.
    pool = SmtpPool(
        nets,
        allow_plain=settings.allow_plain,
        name=worker.own_name(settings.base_url),
        timeout=min(config.smtp_timeout, _TEST_TIMEOUT),
    )
    checks = {"database": lambda: check_current(data, "outbound")}
    app, smorest = web.create_app("outbound", checks, api_title="Mailbridge outbound", session_keys=keys)
    smorest.register_blueprint(api.sender_blueprint(Senders(data, sealing, pool, settings.allow_plain)))
    smorest.register_blueprint(api.deliveries_blueprint(data, sealing))
    smorest.register_blueprint(api.admin_letters_blueprint(data, sealing))
    smorest.register_blueprint(api.issue_blueprint(data, sealing))
    return app

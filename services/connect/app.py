"""The web process of connect: `gunicorn 'connect.app:create_app()'`."""

import os
from collections.abc import Callable

from flask import Flask, Response
from flask_smorest import Api

from common import log, problems, sessions, web
from common.crypto import derive
from common.db import Database, open_database
from common.env import Env, read_or_exit
from common.http import Http
from common.jira import JiraSites
from common.migrations import check_current
from common.nets import Nets
from common.problems import Problem
from common.session_keys import SessionKeys
from connect import (
    api,
    api_login,
    api_lookup,
    api_site,
    forge,
    hooks,
    lifecycle,
    page,
    person_tokens,
    vending,
    webhooks,
)
from connect.attach import Check
from connect.config import Config
from connect.email_api import EmailApi
from connect.forge_gate import ForgeGate
from connect.forge_keys import ForgeKeys
from connect.forge_moves import Moves
from connect.install_keys import InstallKeys
from connect.logins import Logins
from connect.lookup_check import LookupJira
from connect.oidc import Provider
from connect.person_tokens import PersonTokens
from connect.rights import JiraRights
from connect.signed import connect_visitor
from connect.store import Store
from connect.store_forge import ForgeStore
from connect.store_login import LoginStore
from connect.store_lookup import LookupStore
from connect.store_site import SiteStore
from connect.tokens import BadToken
from connect.visitors import Visitor

_log = log.get(__name__)


def create_app(config: Config | None = None, *, database: Database | None = None) -> Flask:
    """The application; without arguments it reads the environment and leaves with exit code 2 on a bad value."""
    if config is None:
        config = read_or_exit(lambda: Config.read(Env(os.environ)))
        log.configure(config.settings.log_level)
    settings = config.settings
    data = database or read_or_exit(lambda: open_database(settings.database_url, "connect"))
    nets = read_or_exit(lambda: Nets(settings.allow_networks))
    private = sessions.private_key(derive(settings.master_key, "page session"))
    store = Store(data, settings.master_key)
    sites = JiraSites(Http(nets, settings.jira_timeout), vending.OwnCredentials(config, store), settings)
    # The operator chose this address; tenants cannot reach it by naming it.
    install_keys = InstallKeys(Http(Nets.everything()), config.keys_url)
    own_keys = SessionKeys(lambda: {"keys": [sessions.public_jwk(private)]})

    checks = {"database": lambda: check_current(data, "connect")}
    app, smorest = web.create_app("connect", checks, api_title="Mailbridge connect", session_keys=own_keys)
    app.register_error_handler(BadToken, _refused)
    hosts: dict[str, Callable[[str], Visitor]] = {"jwt": lambda token: connect_visitor(token, store)}
    forge_store = ForgeStore(data, settings.master_key)
    if config.forge_app_id is not None:
        hosts["bearer"] = _forge(app, config, config.forge_app_id, store, forge_store, nets).visitor
    logins = _logins(smorest, config, data) if config.login else None
    smorest.register_blueprint(api.open_blueprint(config, store, hosts, logins, JiraRights(sites), private))
    smorest.register_blueprint(api.jira_blueprint(sites))
    lookups = LookupStore(data, settings.master_key)
    smorest.register_blueprint(
        api_lookup.blueprint(store, lookups, LookupJira(Http(nets, settings.jira_timeout), settings))
    )
    check = Check(Http(nets, settings.jira_timeout), settings)
    smorest.register_blueprint(api_site.blueprint(api_site.Sites(config, store, check, EmailApi(sites))))
    for blueprint in (
        lifecycle.blueprint(config, store, forge_store, install_keys),
        webhooks.blueprint(store),
        hooks.blueprint(store, SiteStore(data, settings.master_key)),
        vending.blueprint(config, store),
        page.blueprint(config, store),
    ):
        app.register_blueprint(blueprint)
    return app


def _forge(app: Flask, config: Config, app_id: str, store: Store, forge_store: ForgeStore, nets: Nets) -> ForgeGate:
    """Forge's calls, and tokens of persons."""
    # The operator chose these two addresses; tenants cannot reach them by naming them.
    atlassian = Http(Nets.everything())
    keys = ForgeKeys(atlassian, config.forge_jwks_url)
    moves = Moves(config, Http(nets, config.settings.jira_timeout), store)
    gate = ForgeGate(config, app_id, keys, store, forge_store, moves)
    tokens = PersonTokens(atlassian, config.forge_graphql_url, forge_store)
    app.register_blueprint(forge.blueprint(gate, store, forge_store))
    app.register_blueprint(person_tokens.blueprint(config, store, tokens))
    return gate


def _logins(smorest: Api, config: Config, data: Database) -> Logins:
    """The page's own login and its addresses."""
    settings = config.settings
    store = LoginStore(data)
    logins = Logins(config, store, SiteStore(data, settings.master_key).own_tenant)
    smorest.register_blueprint(api_login.blueprint(logins))
    if config.oidc is not None:
        back = settings.base_url + api_login.CALLBACK
        # The operator chose the provider; it may well live inside the operator's own network.
        provider = Provider(Http(Nets.everything()), config.oidc, back, plain=settings.allow_plain)
        smorest.register_blueprint(api_login.oidc_blueprint(logins, store, provider, config.oidc.allowed))
    return logins


def _refused(error: BadToken) -> Response:
    # The reason is for the log: whoever tries out tokens learns nothing from the answer.
    _log.warning("token_refused", reason=error.reason)
    return problems.render(Problem(401, detail="The token is missing or not accepted.", headers=_CHALLENGE))


_CHALLENGE = {"WWW-Authenticate": "JWT"}

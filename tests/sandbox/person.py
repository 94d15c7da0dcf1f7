"""A person who asks Jira's REST API with e-mail address and API token."""

from typing import Any

import requests

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"
BOB = "712020:aaaaaaaa-0000-4000-8000-000000000002"
DORA = "712020:aaaaaaaa-0000-4000-8000-000000000003"
ERIK = "712020:aaaaaaaa-0000-4000-8000-000000000004"


class Person:
    """Basic authentication with a token that the control API made for `account`."""

    def __init__(self, url: str, account: str, **more: Any) -> None:
        self.url, self.account = url, account
        made = requests.post(f"{url}/control/people/{account}/tokens", json=more, timeout=60)
        assert made.status_code == 201, made.text
        self.email, self.token = made.json()["email"], made.json()["token"]

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        login = options.pop("auth", (self.email, self.token))
        return requests.request(method, f"{self.url}/rest/api/3{path}", auth=login, timeout=10, **options)


def rule(url: str, account: str, permission: str, *, granted: bool = False, project: str | None = None) -> None:
    """An administrator gives or takes a right."""
    body = {"accountId": account, "permission": permission, "granted": granted, "project": project}
    answer = requests.post(f"{url}/control/rights", json=body, timeout=60)
    assert answer.status_code == 201, answer.text

"""What a write brings with it besides fields: properties, a comment's text, its visibility; checked as Jira checks them."""

import json
from typing import Any

from sandbox.jira import adf
from sandbox.jira.errors import bad_field, bad_request
from sandbox.jira.fields import TOO_LONG
from sandbox.jira.site import Site

MAX_PROPERTY = 32_768


def set_property(properties: dict[str, Any], key: str, value: Any) -> bool:
    """Sets one property of an issue or a comment; returns whether it is new. Raises JiraError for a bad one."""
    if len(key) > 255:
        raise bad_request("The property key is too long. The maximum length is 255 characters.")
    if len(json.dumps(value, ensure_ascii=False)) > MAX_PROPERTY:
        raise bad_request("The property value cannot be longer than 32768 characters.")
    new = key not in properties
    properties[key] = value
    return new


def properties(given: Any) -> dict[str, Any]:
    """The properties of a create request, by key."""
    if given is None:
        return {}
    found: dict[str, Any] = {}
    if not isinstance(given, list):
        raise bad_request("properties must be a list of objects with key and value")
    for entry in given:
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
            raise bad_request("properties must be a list of objects with key and value")
        set_property(found, entry["key"], entry["value"])
    return found


def comment_body(body: Any) -> Any:
    """A comment's ADF."""
    if body is None:
        raise bad_field("comment", "Comment body can not be empty!")
    if adf.problem(body):
        raise bad_field("comment", "INVALID_INPUT")
    if adf.characters(body) > adf.LIMIT:
        raise bad_field("comment", TOO_LONG)
    if not body["content"]:
        raise bad_field("comment", "Comment body can not be empty!")
    return body


def visibility(site: Site, given: Any) -> dict[str, str] | None:
    """A comment's restriction to a role or a group that exists."""
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, dict) else None
    name = str(given.get("identifier") or given.get("value") or "") if isinstance(given, dict) else ""
    if kind == "role":
        role = next((role for role in site.roles.values() if role.name == name), None)
        if role is not None:
            return {"type": "role", "value": role.name, "identifier": role.name}
        raise bad_field("commentLevel", f"The role '{name}' does not exist.")
    if kind == "group":
        group = site.group(name)
        if group is not None:
            return {"type": "group", "value": group.name, "identifier": group.id}
        raise bad_field("commentLevel", f"Group: {name} does not exist.")
    raise bad_field("visibility", "type must be role or group")

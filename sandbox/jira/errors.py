"""Jira's way to refuse: a status with errorMessages and errors by field."""

from typing import Any


class JiraError(Exception):
    """An answer of 4xx. `messages` are general sentences, `errors` map a field to its sentence."""

    def __init__(self, status: int, *messages: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(status, messages, errors)
        self.status = status
        self.messages = list(messages)
        self.errors = errors or {}

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"errorMessages": self.messages, "errors": self.errors}


def no_issue() -> JiraError:
    """404 for an issue that is not there or not visible."""
    return JiraError(404, "Issue does not exist or you do not have permission to see it.")


def bad_field(field: str, sentence: str) -> JiraError:
    """400 naming one field."""
    return JiraError(400, errors={field: sentence})


def bad_request(sentence: str) -> JiraError:
    """400 with one general sentence."""
    return JiraError(400, sentence)

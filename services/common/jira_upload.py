"""The request that attaches one file to an issue: multipart/form-data (RFC 7578) with the part name `file`."""

import secrets
from dataclasses import replace

from common.jira_request import Request, ask


def upload(issue: str, filename: str, content_type: str, data: bytes) -> Request:
    """Attach `data` under this name. Quotes and line breaks of the name are percent-encoded, as browsers do."""
    boundary = f"mailbridge-{secrets.token_hex(16)}"
    name = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    kind = "".join(letter for letter in content_type if letter.isprintable()) or "application/octet-stream"
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    body = head.encode(errors="replace") + data + f"\r\n--{boundary}--\r\n".encode()
    # Jira takes an upload only with the token header, by which a browser cannot be tricked into sending one.
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-Atlassian-Token": "no-check"}
    request = ask(f"attach a file to issue {issue}", "POST", "/issue/{}/attachments", issue)
    return replace(request, body=body, headers=headers)

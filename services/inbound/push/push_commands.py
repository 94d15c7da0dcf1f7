"""What an administrator does with a new push token: lines for mail servers, steps for providers. Pure."""

_SUBMIT = "python3 -m inbound.submit --url {url} --token-file /etc/mailbridge/push-token"


def url_of(base_url: str, via: str, mailbox: str, token: str) -> str:
    """Where mail is pushed to. Providers can send no header of ours, so that theirs has the token in it."""
    if via == "pipe":
        return f"{base_url}/api/inbound/mail/{mailbox}"
    return f"{base_url}/api/inbound/hooks/{via}/{mailbox}/{token}{'/mime' if via == 'mailgun' else ''}"


def commands(via: str, url: str) -> list[str]:
    """One entry a step; for a pipe it is one a mail server."""
    submit = _SUBMIT.format(url=url)
    if via == "pipe":
        return [
            "Put the token into /etc/mailbridge/push-token, readable only by the user that runs the command, and Mailbridge's "
            "services/ folder on PYTHONPATH (or copy services/inbound/submit.py: it needs nothing but Python).",
            f"Postfix, in master.cf:\nmailbridge unix - n n - 4 pipe\n  flags=Rq user=mailbridge argv={submit}\n"
            "and in the transport table: support@example.com mailbridge:",
            f"Exim, a transport:\nmailbridge:\n  driver = pipe\n  command = {submit}\n  temp_errors = 75\n  return_fail_output\n"
            "  user = mailbridge",
            f"procmail:\n:0 w\n| {submit}",
        ]
    if via == "ses":
        return [
            f"Subscribe {url} (HTTPS) to the SNS topic. The subscription confirms itself.",
            "In SES, give the receipt rule an SNS action with this topic and the encoding Base64. SES sends mail of up to 150 KB "
            "this way; larger mail comes back to its sender.",
        ]
    if via == "mailgun":
        return [f'In Mailgun, make a route with the action forward("{url}"). The /mime at its end is needed.']
    if via == "sendgrid":
        return [
            f'In SendGrid, Settings, Inbound Parse: add {url} and switch on "POST the raw, full MIME message".',
            "Attach a security policy with a signature to it, and make the push token with that policy's public key.",
        ]
    return [
        f"In Postmark, the inbound stream's settings: give {url} as the webhook and switch on \"Include raw email content in "
        'JSON payload".'
    ]

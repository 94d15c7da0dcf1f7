"""The words of a letter to a sender whose mail was too large, as Liquid templates. Pure data; rendered by `render`.

Variables: mailbox, subject, most (the limit), size ("" where it says no more than the limit).
"""

TEXT = """\
Your mail to {{ mailbox }} was not taken: it is larger than {{ most }}.

Its subject: {{ subject }}
{% if size != "" %}Its size: {{ size }}
{% endif %}
What to do: send it again with smaller attachments, or put the files where they can be downloaded and send a link to them.
Attachments grow by about a third on their way.

--\x20
A program wrote this mail.
"""

HTML = """\
<!doctype html>
<html><head><meta charset="utf-8"></head>
<body style="font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:14px;line-height:1.5;color:#172b4d">
<p><strong>Your mail to {{ mailbox }} was not taken: it is larger than {{ most }}.</strong></p>
<p>Its subject: {{ subject }}{% if size != "" %}<br>Its size: {{ size }}{% endif %}</p>
<p>What to do: send it again with smaller attachments, or put the files where they can be downloaded and send a link to them.
Attachments grow by about a third on their way.</p>
<div style="color:#8590a2;font-size:12px;border-top:1px solid #dcdfe4;padding-top:8px">
A program wrote this mail.
</div>
</body></html>
"""

"""The words of a letter to an admin, as Liquid templates. Pure data; rendered by `render`.

Variables: headline, reason, remedy, comfort, why (sentences; reason and remedy may be ""), link ("" where nobody knows it).
"""

TEXT = """\
{{ headline }}

{% if reason != "" %}What is wrong: {{ reason }}

{% endif %}{% if remedy != "" %}What to do: {{ remedy }}

{% endif %}{{ comfort }}

{% if link != "" %}Mailbridge's page: {{ link }}{% else %}Mailbridge's page is in Jira: settings, Apps, Mailbridge.{% endif %}

--\x20
{{ why }} Nobody reads answers to this mail.
"""

HTML = """\
<!doctype html>
<html><head><meta charset="utf-8"></head>
<body style="font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:14px;line-height:1.5;color:#172b4d">
<p><strong>{{ headline }}</strong></p>
{% if reason != "" %}<p>What is wrong: {{ reason }}</p>
{% endif %}{% if remedy != "" %}<p>What to do: {{ remedy }}</p>
{% endif %}<p>{{ comfort }}</p>
<p>{% if link != "" %}<a href="{{ link }}">Open Mailbridge's page</a>\
{% else %}Mailbridge's page is in Jira: settings, Apps, Mailbridge.{% endif %}</p>
<div style="color:#8590a2;font-size:12px;border-top:1px solid #dcdfe4;padding-top:8px">
{{ why }} Nobody reads answers to this mail.
</div>
</body></html>
"""

"""The words of our mail, as Liquid templates. Pure data; rendered by `render`.

Variables: marker, issue {key, url}, items [{kind, headline, text, html, changes [{label, value}]}], reasons
[sentence], linked (true for people with an account: they get the link into Jira), answerable (true if a reply becomes
a comment), by_jira (true where Jira sends it). In the HTML template everything is escaped but `item.html`, which adf_render made.
"""

TEXT = """\
{% if answerable %}{{ marker }}

{% endif %}{% for item in items %}{{ item.headline }}
{% for change in item.changes %}
  {{ change.label }}: {{ change.value }}{% endfor %}{% if item.changes != empty %}
{% endif %}{% if item.text != "" %}
{{ item.text }}
{% endif %}
{% endfor %}{% if linked %}{{ issue.key }}: {{ issue.url }}

{% endif %}--\x20
{% for reason in reasons %}{{ reason }}
{% endfor %}{% if answerable %}Reply to this mail to add a comment.
{% endif %}{% if by_jira %}Jira sends you this for Mailbridge, which does not know your address. A reply goes to Jira, \
not to Mailbridge: please answer by the link above.
{% endif %}"""

HTML = """\
<!doctype html>
<html><head><meta charset="utf-8"></head>
<body style="font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif;font-size:14px;line-height:1.5;color:#172b4d">
{% if answerable %}<p style="color:#8590a2;font-size:12px">{{ marker }}</p>
{% endif %}{% for item in items %}<div style="margin:0 0 20px">
<p style="color:#44546f">{{ item.headline }}</p>
{% if item.changes != empty %}<table style="border-collapse:collapse">
{% for change in item.changes %}<tr><td style="padding:2px 12px 2px 0;color:#44546f">{{ change.label }}</td>\
<td style="padding:2px 0">{{ change.value }}</td></tr>
{% endfor %}</table>
{% endif %}{{ item.html }}
</div>
{% endfor %}{% if linked %}<p><a href="{{ issue.url }}">{{ issue.key }}</a></p>
{% endif %}<div style="color:#8590a2;font-size:12px;border-top:1px solid #dcdfe4;padding-top:8px">
{% for reason in reasons %}{{ reason }} {% endfor %}{% if answerable %}Reply to this mail to add a comment.{% endif %}\
{% if by_jira %}Jira sends you this for Mailbridge, which does not know your address. A reply goes to Jira, not to \
Mailbridge: please answer by the link above.{% endif %}
</div>
</body></html>
"""

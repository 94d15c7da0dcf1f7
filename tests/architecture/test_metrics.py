"""The operator's table of metrics names every metric with its kind and labels, and nothing that does not exist."""

import re

from common import metrics
from tests.architecture.source import ROOT, read_all

PAGE = ROOT / "docs" / "operations.md"
RULES = ROOT / "deploy" / "k8s" / "components" / "monitoring" / "rules.yaml"
ROW = re.compile(r"^\| `(mailbridge_\w+)` \| (\w+) \| ([\w, ]*?) ?\|", re.MULTILINE)


def described() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name → kind and labels, as the page has them."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {name: (kind, tuple(re.findall(r"\w+", labels))) for name, kind, labels in rows}


def existing() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The same, as the code has them."""
    found = {}
    for value in vars(metrics).values():
        if isinstance(value, metrics.Counter | metrics.Gauge | metrics.Histogram):
            suffix = "_total" if isinstance(value, metrics.Counter) else ""
            found[value._name + suffix] = (value._type, tuple(value._labelnames))
    return found


def test_the_table_names_every_metric_with_its_kind_and_labels() -> None:
    assert len(existing()) >= 20
    assert described() == existing()


def test_every_metric_is_set_somewhere() -> None:
    texts = [source.text for source in read_all() if source.place != "common/metrics.py"]
    names = [
        name
        for name, value in vars(metrics).items()
        if isinstance(value, metrics.Counter | metrics.Gauge | metrics.Histogram)
    ]
    unset = [name for name in names if not any(re.search(rf"metrics\.{name}\b", text) for text in texts)]
    assert unset == []


def test_only_jiras_answers_and_limits_have_a_label_for_tenants() -> None:
    assert [name for name, (_, labels) in existing().items() if "tenant" in labels] == [
        "mailbridge_jira_answers_total",
        "mailbridge_jira_near_limit_total",  # a limit is a tenant's: without its name nobody could act on it
        "mailbridge_jira_limit_left",
    ]


def test_the_alerts_ask_for_metrics_that_exist_and_stand_on_the_page() -> None:
    rules = RULES.read_text(encoding="utf-8")
    asked = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bmailbridge_\w+", rules)}
    assert asked and asked <= set(existing())
    page = PAGE.read_text(encoding="utf-8")
    alerts = set(re.findall(r"alert: (\w+)", rules))
    assert alerts == set(re.findall(r"^\| (Mailbridge\w+) \|", page, re.MULTILINE))

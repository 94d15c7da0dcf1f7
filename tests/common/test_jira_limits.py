"""What Jira's rate limit headers say, also where they contradict or are broken."""

import pytest

from common.jira_limits import near, remaining, wait
from tests.contracts import contract

NOW = 1_700_000_000.0
IN_A_MINUTE = "2023-11-14T22:14:20Z"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "x-ratelimit-reset": IN_A_MINUTE, "ratelimit": '"a";r=0;t=90'}, 7.0),
        ({"x-ratelimit-reset": IN_A_MINUTE}, 60.0),
        ({"x-ratelimit-reset": "2020-01-01T00:00:00Z"}, 0.0),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, 86_400.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "ratelimit": '"a";r=0;t=90'}, 90.0),
        ({"ratelimit": '"global-app-quota";r=0;t=900'}, 900.0),
        ({"ratelimit": '"a";r=0;t=30, "b";r=7;t=900'}, 30.0),
        ({"ratelimit": '"a";r=3;t=30, "b";r=7;t=90'}, 90.0),
        ({"ratelimit": '"a";r=0'}, None),
        ({"ratelimit": "t=" + "9" * 400}, 86_400.0),
        ({"beta-ratelimit": '"a";r=0;t=900'}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait(headers, NOW) == seconds


def test_the_documented_samples() -> None:
    for name, sample in contract("samples/http/rate-limit-responses.json").items():
        low = {key.lower(): value for key, value in sample["headers"].items()}
        asked = low.get("retry-after")
        assert wait(low, NOW) == (float(asked) if asked else None), name
        assert near(low) == ("near" in name or "(tenant)" in name), name
        assert remaining(low) == (0 if "quota" in name else None), name


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "12"}, 12),
        ({"x-ratelimit-remaining": "12", "ratelimit": '"a";r=3;t=9'}, 3),
        ({"x-ratelimit-remaining": "-1"}, None),
        ({"x-ratelimit-remaining": "²"}, None),
    ],
)
def test_what_is_left(headers: dict[str, str], left: int | None) -> None:
    assert remaining(headers) == left

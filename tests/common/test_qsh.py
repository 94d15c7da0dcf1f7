"""The query string hash: our own small vectors, and Atlassian's where they lie beside the repository."""

import hashlib
from urllib.parse import urlsplit

import pytest

from common.qsh import canonical, qsh
from tests.contracts import contract

# Written down by hand from the rules; method, path, query, base path, canonical request.
VECTORS = [
    ("get", "/a/b", "", "", "GET&/a/b&"),
    ("GET", "", "", "", "GET&/&"),
    ("GET", "/", "", "", "GET&/&"),
    ("GET", "/a/", "", "", "GET&/a&"),
    ("GET", "/base", "", "/base", "GET&/&"),
    ("GET", "/base/a", "", "/base/", "GET&/a&"),
    ("GET", "/based/a", "", "/base", "GET&/based/a&"),
    ("POST", "/a&b", "", "", "POST&/a%26b&"),
    ("GET", "/p", "b=2&a=1", "", "GET&/p&a=1&b=2"),
    ("GET", "/p", "a=1&jwt=x.y.z", "", "GET&/p&a=1"),
    ("GET", "/p", "a=b+c&a=B%20c", "", "GET&/p&a=B%20c,b%20c"),
    ("GET", "/p", "a=1%2C2&a=0", "", "GET&/p&a=0,1%2C2"),
    ("GET", "/p", "a&b=", "", "GET&/p&a=&b="),
    ("GET", "/p", "q=-._~*%21", "", "GET&/p&q=-._~%2A%21"),
    ("GET", "/p", "q=%C3%A4%FF", "", "GET&/p&q=%C3%A4%EF%BF%BD"),
    ("GET", "/p", "&&a=1&", "", "GET&/p&a=1"),
]


@pytest.mark.parametrize(("method", "path", "query", "base", "expected"), VECTORS)
def test_a_request_has_one_canonical_form(method: str, path: str, query: str, base: str, expected: str) -> None:
    assert canonical(method, path, query, base) == expected
    assert qsh(method, path, query, base) == hashlib.sha256(expected.encode()).hexdigest()


def test_every_canonical_vector_of_atlassian_comes_out_as_it_says() -> None:
    cases = contract("jwt-vectors.json")["canonical"]
    for case in cases:
        path, _, query = case["url"].partition("?")
        given = (case["method"], path, query, case["contextPath"])
        assert canonical(*given) == case["canonical"], case["name"]
        assert qsh(*given) == case["qsh"], case["name"]
    assert len(cases) == 14


def test_every_interoperability_vector_of_atlassian_comes_out_as_it_says() -> None:
    cases = contract("jwt-vectors.json")["interop"]
    for case in cases:
        url = urlsplit(case["signedUrl"])
        base = urlsplit(case["addonBaseUrl"] or "").path
        assert canonical(case["method"], url.path, url.query, base) == case["canonical"], case["name"]
        assert qsh(case["method"], url.path, url.query, base) == case["qsh"] == case["claims"]["qsh"], case["name"]
    assert len(cases) == 39

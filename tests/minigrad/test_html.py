"""The frame of all pages, and the template filler."""

import pytest

from minigrad.html import document, fill


def test_parts_are_not_searched_in_turn():
    assert fill("<b>{{a}}</b>{{b}}{{a}}", {"a": "{{b}}", "b": r"\1"}) == r"<b>{{b}}</b>\1{{b}}"


def test_a_missing_part_is_an_error():
    with pytest.raises(KeyError, match="body"):
        fill("{{body}}", {})


@pytest.mark.parametrize("scripts", [False, True])
def test_a_page_loads_nothing_and_escapes_its_title(scripts):
    page = document("a < b", "p {}", "<body>text</body>\n", scripts=scripts)
    assert "<title>a &lt; b</title>" in page and "<style>p {}</style>" in page
    assert "default-src 'none'" in page and ("script-src" in page) == scripts
    assert page.endswith("</head>\n<body>text</body>\n</html>\n")

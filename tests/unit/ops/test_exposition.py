"""The text of /metrics, read back by Prometheus' own parser."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from functions.ops.core.exposition import Family, Sample, rendered

pytestmark = pytest.mark.unit

GAUGE = "# HELP counterpart_x Says.\n# TYPE counterpart_x gauge\n"


def test_a_family_is_written_as_the_format_says() -> None:
    """Octet by octet; one without labels has no braces, one without values only its head."""
    samples = [Sample({"kind": "a.b", "state": "ready"}, 3), Sample({}, 0.5)]

    assert GAUGE + 'counterpart_x{kind="a.b",state="ready"} 3\ncounterpart_x 0.5\n' == rendered(
        [Family("x", "Says.", samples)]
    )
    assert GAUGE == rendered([Family("x", "Says.", [])])


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(st.characters(codec="utf-8")), max_size=3))
def test_a_label_may_say_anything(labels: dict[str, str]) -> None:
    """Quotation marks, backslashes, ends of lines: its reader reads what was written."""
    (family,) = text_string_to_metric_families(rendered([Family("x", "Says.", [Sample(labels, 1)])]))

    assert [labels] == [sample.labels for sample in family.samples]


@pytest.mark.parametrize("label", ['a"b', "a\\b", "a\nb", 'a\\"b', "a\\nb", '"', "\\"])
def test_a_label_that_could_end_its_line_does_not(label: str) -> None:
    """The named cases of the above."""
    (family,) = text_string_to_metric_families(rendered([Family("x", label, [Sample({"of": label}, 1)])]))

    assert ([label], label) == ([sample.labels["of"] for sample in family.samples], family.documentation)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (10**30, "1" + "0" * 30), (-1, "-1"), (0.1, "0.1"), (inf, "+Inf"), (-inf, "-Inf"), (nan, "NaN")],
)
def test_a_number_is_written_as_its_reader_wants_it(value: float, text: str) -> None:
    """Whole numbers to the last digit."""
    assert f"{GAUGE}counterpart_x {text}\n" == rendered([Family("x", "Says.", [Sample({}, value)])])


@pytest.mark.parametrize("name", ["", "1a", "a-b", "A", "a b", "a\n"])
def test_a_name_that_no_reader_takes_is_our_mistake(name: str) -> None:
    """Of a family or of a label."""
    with pytest.raises(ValueError, match="small letters"):
        Family(name, "Says.", [])
    with pytest.raises(ValueError, match="small letters"):
        Family("x", "Says.", [Sample({name: "y"}, 1)])

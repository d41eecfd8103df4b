import pytest

from push_model.errors import ModelFormatError
from push_model.model.document import read_list, read_number, read_numbers, read_object, read_text


def test_what_is_well_formed_is_given_back():
    assert read_object({"a": 1}, {"a"}, "here") == {"a": 1}
    assert read_list([1, "x"], "here", length=2) == [1, "x"]
    assert read_text("x", "here") == "x"
    assert read_numbers([1, -0.5], "here") == (1.0, -0.5)


def test_an_integer_of_the_document_becomes_a_double():
    assert isinstance(read_number(1, "here"), float)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: read_object([], {"a"}, "here"), "here must be an object, got list"),
        (lambda: read_object({}, {"b", "a"}, "here"), r"here lacks key\(s\) \['a', 'b'\]"),
        (lambda: read_object({"a": 1, "b": 2}, {"a"}, "here"), r"here has unknown key\(s\) 'b'"),
        (lambda: read_list("ab", "here"), "here must be a list, got str"),
        (lambda: read_list([], "here", length=1), "here must have 1 entries, got 0"),
        (lambda: read_text(b"x", "here"), "here must be a text that is not empty"),
        (lambda: read_number("1", "here"), "here must be finite"),
        (lambda: read_numbers([False], "here"), "here must be finite"),
        (lambda: read_numbers([0.0, float("inf")], "here"), "here must be finite"),
        (lambda: read_numbers([10**400], "here"), "here must be finite"),
        (lambda: read_numbers([[]], "here"), "here must be finite"),
    ],
)
def test_what_is_malformed_is_refused_by_its_place(read, message):
    with pytest.raises(ModelFormatError, match=message):
        read()

import pytest

from push_ops.local.cluster.compose import read_services


@pytest.fixture
def read(tmp_path):
    def read_text(environment, variables=(), places=(), command="[]"):
        path = tmp_path / "docker-compose.yaml"
        service = f"{{command: {command}, environment: {{NAME: {environment}}}}}"
        path.write_text(f"services: {{one: {service}}}")
        service = read_services(path, variables=dict(variables), places=dict(places))["one"]
        return service.environment["NAME"], service.command

    return read_text


@pytest.mark.parametrize(
    ("written", "variables", "value"),
    [
        ("plain", {}, "plain"),
        ("8", {}, "8"),
        ("a${B}c", {"B": "b"}, "abc"),
        ("a${B}c", {}, "ac"),
        ("${B:-d}", {}, "d"),
        ("${B:-d}", {"B": ""}, "d"),
        ("${B:-}", {}, ""),
        ("${B-d}", {}, "d"),
        ("${B-d}", {"B": ""}, ""),
        ("${B?draw it}", {"B": ""}, ""),
        ("${B:?draw it}", {"B": "b"}, "b"),
        ("$$B", {"B": "b"}, "$B"),
    ],
)
def test_variables_are_filled_in_as_compose_does(read, written, variables, value):
    assert read(f'"{written}"', variables)[0] == value


@pytest.mark.parametrize("written", ["$B", "${B:+d}", "${B:-${C}}", "a $ b"])
def test_a_variable_written_otherwise_is_refused(read, written):
    with pytest.raises(ValueError, match="of \\$, only"):
        read(f'"{written}"', {"B": "b"})


def test_a_required_variable_that_is_not_given_is_named(read):
    with pytest.raises(KeyError, match="B: draw it"):
        read('"${B:?draw it}"')


def test_a_place_stands_for_another_in_text_default_and_command(read):
    value, command = read(
        '"/there/${B:-/there/b}"', places={"/there": "/here"}, command="[look, /there]"
    )

    assert value == "/here//here/b"
    assert command == ["look", "/here"]


def test_what_was_filled_in_is_not_read_again(read):
    secret = "8080$${B}/there"

    value, _ = read('"x${SECRET}"', {"SECRET": secret}, {"8080": "1", "/there": "/here"})

    assert value == f"x{secret}"


def test_a_service_without_command_or_settings_has_none(tmp_path):
    (tmp_path / "compose.yaml").write_text("services:\n  one:\n    image: redis\n")

    service = read_services(tmp_path / "compose.yaml", variables={}, places={})["one"]

    assert service.command == []
    assert service.environment == {}

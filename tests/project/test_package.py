import sys

import pytest

import push_model
from push_model.__main__ import main
from push_model.errors import MissingDependencyError, PushModelError


def test_the_public_names_are_there_and_listed():
    assert set(push_model.__all__) <= set(dir(push_model))
    assert push_model.handler_fit.__name__ == "handler_fit"
    assert push_model.handler_predict.__name__ == "handler_predict"
    assert len(push_model.FEATURES) == 19


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'handler_fits'"):
        _ = push_model.handler_fits


def test_training_in_a_serving_only_install_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "push_model.training.fit", None)

    with pytest.raises(MissingDependencyError, match=r"install its requirements\.txt"):
        _ = push_model.handler_fit

    assert issubclass(MissingDependencyError, PushModelError)


def test_the_command_line_starts_and_says_where_it_is_when_left_out(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["push-model", "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "champion" in capsys.readouterr().out

    monkeypatch.setitem(sys.modules, "push_model.commands.app", None)
    with pytest.raises(SystemExit, match="serving-only install leaves out: clone the repository"):
        main()

"""Unknown names are answered with the nearest known one."""

from __future__ import annotations

import pytest

from heron.errors import ConfigError, HeronError, nearest


def test_a_misspelt_name_gets_the_nearest_known_one_and_the_list():
    assert nearest("p_mx_MW", ["p_max_MW", "bus"]) == (
        "unknown key 'p_mx_MW'; did you mean 'p_max_MW'? Known: 'p_max_MW', 'bus'"
    )


def test_a_difference_in_case_alone_is_recognised():
    assert "did you mean 'p_max_MW'?" in nearest("P_MAX_mw", ["q_max_MVAr", "p_max_MW"])


def test_a_name_like_no_other_gets_the_list_without_a_guess():
    message = nearest("xyz", ["bus", "load"], kind="element")
    assert message == "unknown element 'xyz'. Known: 'bus', 'load'"


def test_no_options_are_said_to_be_none():
    assert nearest("a", [], kind="agent") == "unknown agent 'a'; there is none to choose from"


@pytest.mark.parametrize("base", [HeronError, ValueError])
def test_a_config_error_is_a_heron_error_and_a_value_error(base):
    assert issubclass(ConfigError, base)

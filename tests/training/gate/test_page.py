"""Does docs/gate.md say what the gate does?"""

from dataclasses import fields
from pathlib import Path

import pytest

from push_model.training.gate.policy import Policy

PAGE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text("utf-8")


@pytest.mark.parametrize("limit", fields(Policy), ids=lambda limit: limit.name)
def test_the_page_lists_each_limit_with_its_default_and_its_reason(limit):
    assert f"| `{limit.name}` | {limit.default:g} | {limit.metadata['reason']} |\n" in PAGE


def test_the_page_lists_no_other_limit():
    listed = PAGE.split("## The limits")[1].split("\n## ")[0].count("\n| `")

    assert listed == len(fields(Policy))

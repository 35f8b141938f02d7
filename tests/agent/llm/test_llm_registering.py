"""The endpoint in scanwright.toml: written, replaced, and nothing else touched."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from scanwright.agent.llm.registering import register
from scanwright.agent.settings import load_settings
from scanwright.tools.errors import UserInputError

URL = "http://127.0.0.1:8093/v1"


def test_an_endpoint_is_read_back_as_it_was_registered(tmp_path: Path) -> None:
    register(tmp_path / "scanwright.toml", URL, "m")
    endpoint = load_settings(tmp_path).llm.endpoint
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.model) == (URL, "m")


def test_a_second_endpoint_takes_the_place_of_the_first_and_every_other_line_stays(tmp_path: Path) -> None:
    file = tmp_path / "scanwright.toml"
    before = (
        '# mine\n[llm]\nplanner = "model"  # always\n\n[llm.endpoint]\nbase_url = "https://old.example/v1"\n'
        'model = "old"\nprice_in = 3.0\n\n[tools]\nworkers = 2\n'
    )
    file.write_text(before)
    register(file, URL, "new")
    after = tomllib.loads(file.read_text())
    assert after["llm"] == {"planner": "model", "endpoint": {"base_url": URL, "model": "new"}}
    assert after["tools"] == {"workers": 2}
    assert "# mine" in file.read_text()
    assert "# always" in file.read_text()


@pytest.mark.parametrize("text", ['llm = {endpoint = {base_url = "http://a/v1", model = "b"}}\n', "[llm\n"])
def test_a_file_that_cannot_be_changed_safely_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "scanwright.toml"
    file.write_text(text)
    with pytest.raises(UserInputError, match="put these lines there yourself"):
        register(file, URL, "m")
    assert file.read_text() == text

"""An empty home, and pictures to train with."""

import pytest
from commands import pieces_of_photographs


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return pieces_of_photographs(tmp_path_factory.mktemp("data"))

"""What is special about pictures that were kept as they are, said where a network is chosen."""

import streamlit as st

from core import get_settings, special_form
from pages.parts import text
from pages.parts.place import Place
from pages.parts.steady import steady


@steady
def say_form(place: Place) -> None:
    """One line for pictures that are not ordinary colour pictures; nothing for all others."""
    if said := special_form(place.versions[0], get_settings().home):
        st.html(f'<p class="next">{text.html(said, 600)}</p>')

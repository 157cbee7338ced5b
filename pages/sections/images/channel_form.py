"""What is special about images that were kept as they are, said where a network is chosen."""

import streamlit as st

from core.dataset.channel_form import special_form
from core.settings import get_settings
from pages.components import text
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext


@placeholder
def say_form(context: ProjectContext) -> None:
    """One line for images that are not ordinary colour images; nothing for all others."""
    if said := special_form(context.images_version, get_settings().home):
        st.html(f'<p class="next">{text.html(said, 600)}</p>')

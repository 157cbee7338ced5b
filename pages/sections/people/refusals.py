"""What stood in the way of the button that was pressed last, said where the page begins."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import GraftError
from pages.components import text
from pages.components.placeholder import placeholder

_REFUSED = "people-refused"


def attempt(act: Callable[..., Any], *args: Any) -> Any:
    """Do it; gives what it gives, or None where it is refused: `refusal` then says why."""
    try:
        return act(*args)
    except GraftError as error:
        st.session_state[_REFUSED] = str(error)
        return None


@placeholder
def refusal() -> None:
    """The sentence, once."""
    if said := st.session_state.pop(_REFUSED, ""):
        st.error(text.markdown(said, 400), icon=":material/error:")

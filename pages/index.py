"""The frame of the app: its look, its pages, and which of them is shown."""

from pathlib import Path

import streamlit as st

from pages.components.navigation import address_kept, move

HERE = Path(__file__).parent

st.set_page_config(page_icon=str(HERE / "components" / "icon.svg"), layout="wide")
st.html(HERE / "components" / "style.css")

page = st.navigation(
    [
        st.Page("home.py", title="Projects · Graft", url_path="projects", default=True),
        st.Page("images.py", title="Images · Graft", url_path="images"),
        st.Page("check_data.py", title="Check data · Graft", url_path="check-data"),
        st.Page("map.py", title="Map · Graft", url_path="map"),
        st.Page("label.py", title="Label the rest · Graft", url_path="label"),
        st.Page("versions.py", title="Versions · Graft", url_path="versions"),
        st.Page("train.py", title="Train · Graft", url_path="train"),
        st.Page("results.py", title="Results · Graft", url_path="results"),
        st.Page("use.py", title="Use · Graft", url_path="use"),
        st.Page("people.py", title="People · Graft", url_path="people"),
        st.Page("account.py", title="Account · Graft", url_path="account"),
        st.Page("field.py", title="In the field · Graft", url_path="field"),
    ],
    position="hidden",
)
move(page)
with address_kept():
    page.run()

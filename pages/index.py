"""The frame of the app: its look, its pages, and which of them is shown."""

from pathlib import Path

import streamlit as st

from pages.components.navigation import move

HERE = Path(__file__).parent

st.set_page_config(
    page_title="Graft", page_icon=str(HERE / "components" / "icon.svg"), layout="wide"
)
st.html(HERE / "components" / "style.css")

page = st.navigation(
    [
        st.Page("home.py", title="Projects · Graft", url_path="projects", default=True),
        st.Page("pictures.py", title="Pictures · Graft", url_path="pictures"),
        st.Page("faults.py", title="What is wrong · Graft", url_path="faults"),
        st.Page("map.py", title="Map · Graft", url_path="map"),
        st.Page("label.py", title="Label · Graft", url_path="label"),
        st.Page("versions.py", title="Versions · Graft", url_path="versions"),
        st.Page("backbone.py", title="Backbone · Graft", url_path="backbone"),
        st.Page("strategy.py", title="Way to learn · Graft", url_path="strategy"),
        st.Page("training.py", title="Train · Graft", url_path="training"),
        st.Page("results.py", title="Results · Graft", url_path="results"),
        st.Page("try_it.py", title="Try it · Graft", url_path="try"),
        st.Page("take_away.py", title="Take away · Graft", url_path="take-away"),
    ],
    position="hidden",
)
move(page)
page.run()

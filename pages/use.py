"""Use: test images with the model that is kept, and export it."""

import streamlit as st

from pages.components.frame import frame, need_model
from pages.sections.results.runs import choose_run
from pages.sections.use.ask import test_images
from pages.sections.use.export import export_model
from pages.sections.use.keeping import keep_answers

context = frame("use")
need_model(context)
st.title("Use", anchor=False)
run = choose_run(context, "Model", context.finished)
test_images(context, run)
keep_answers(context)
st.header("Export", anchor=False)
export_model(run)

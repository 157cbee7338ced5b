"""Train: backbone and training method, both chosen already, the time it takes, and Start."""

import streamlit as st

from pages.components.frame import frame, need_images
from pages.components.permission import allowed
from pages.sections.images.channel_form import say_form
from pages.sections.train.backbone_choice import backbone_card, choose_backbone, chosen_backbone
from pages.sections.train.cost_estimate import estimate
from pages.sections.train.method_choice import (
    choose_method,
    method_card,
    method_in_use,
    situation,
    there,
)
from pages.sections.train.recipe_form import choose_recipe, start_button
from pages.sections.train.sweep import try_several
from pages.sections.train.watch import run_to_watch, watch_run

context = frame("train")
need_images(context)
run = run_to_watch(context)
st.title("Train", anchor=False)
if run:
    watch_run(context, run)
if not allowed():
    st.stop()
if run:
    st.header("Train another", anchor=False)
change = st.query_params.get("change")
backbone, why_backbone = chosen_backbone(context)
strategy, why_method = method_in_use(context, backbone, situation(context))
left, right = st.columns(2)
with left:
    backbone_card(backbone, why_backbone, changing=change == "backbone")
with right:
    method_card(strategy, why_method, changing=change == "method")
start = st.container(key="start")
if change == "backbone":
    choose_backbone(context, backbone)
elif change == "method":
    choose_method(context, backbone, strategy)
say_form(context)
if not change:
    st.header("Options", anchor=False)
# Under a long list, nobody looks for them.
with st.expander("Options", icon=":material/tune:") if change else st.container():
    recipe = choose_recipe(context, strategy, backbone)
with start, st.container(horizontal=True, vertical_alignment="center"):
    estimate(recipe)
    start_button()
try_several(context, there(context) - {"teacher", "earlier", "tasks"})

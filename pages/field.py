"""In the field: whether the model is still as good as promised."""

import streamlit as st

from core.field.audit import audits_of
from core.settings import get_settings
from pages.components.frame import empty, frame, need_model, onward
from pages.sections.field.audit_results import audit_results, learn_audited, old_against_new
from pages.sections.field.audit_steps import audit_steps
from pages.sections.field.standing import how_it_stands
from pages.sections.results.runs import choose_run
from pages.sections.results.score import report_of
from pages.sections.use.keeping import keep_answers

context = frame("use")
need_model(context)
st.title("In the field", anchor=False)
run = choose_run(context, "Model", context.finished)
report = report_of(run)
if report is None:
    empty("No results", "The results of this model cannot be read. Train it again.", level=2)
    onward("Train a model", "train")
    st.stop()
audits = audits_of(run.id, get_settings())
if audits and audits[0].open:  # on a phone, the image and its buttons need no scrolling
    audit_steps(context.project.id, run, audits, report.classes)
    how_it_stands(context.project.id, run)
else:
    how_it_stands(context.project.id, run)
    st.header("Audit", anchor=False)
    audit_steps(context.project.id, run, audits, report.classes)
audit_results(run, audits, report)
learn_audited(context, run, audits)
old_against_new(context, run, audits, report)
st.header("What is kept", anchor=False)
keep_answers(context)

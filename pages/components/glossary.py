"""What the field's terms mean: told where a page shows one, to whoever points at it or reaches it
by key or touch."""

from pathlib import Path

import streamlit as st

GLOSSARY = {
    "accuracy": "the share of images that are named correctly",
    "active learning": "the images asked about first are those that teach the model most",
    "adapter": "small new parts that are trained inside a network left as it is",
    "aligned": "the network's two kinds of images are made to look alike to the classifier",
    "backbone": "the network that has learned from millions of other images",
    "baseline": "the score of something simple, to compare with",
    "binomial test": "whether a count differs from what was expected by more than chance",
    "bootstrap": "drawing the test images again and again shows how far a number may be off",
    "calibration": "makes “80 % sure” mean right about 80 % of the time",
    "common corruptions": "blur, noise, fog and the like, made in several strengths",
    "confident learning": "finds images whose class is doubtful from what a model expects",
    "conformal": "sets of classes chosen so that the right one is inside as often as promised",
    "confusion matrix": "how often images of each class were taken for each other class",
    "cost-sensitive": "the answer of least cost, where some mistakes are worse than others",
    "crop": "the middle is cut out",
    "cross-fitted": "measured on images that the adjustment was made without",
    "leave one class out": "each class in turn is kept from a model, which should call it unknown",
    "cross-validation": "every image is tested once, by a model that had not seen it",
    "decision thresholds": "the confidence below which the answer is left to a person",
    "divergence": "how differently the two models see the images; 0 is alike",
    "domain": "where images come from: drawings are another domain than photographs",
    "entropy": "how undecided something is; 0 is certain",
    "expected calibration error": "how far confidence is from being right, on average",
    "fine-tuning": "the network itself goes on learning, from your images",
    "frozen": "left as it is",
    "holm correction": "makes up for the number of comparisons, of which some succeed by chance",
    "interval": "the range in which the true value most likely lies",
    "labelled": "its class is known",
    "linear probe": "a simple classifier on what the unchanged network sees",
    "log-loss": "punishes confident mistakes; lower is better",
    "mcnemar test": "whether two models really differ, counted on the images only one got right",
    "mutual information": "how much knowing one thing tells about another; 0 is nothing",
    "nadeau and bengio": "a test for scores that were measured on overlapping images",
    "negative transfer": "the other images did more harm than good",
    "out of fold": "answered by a classifier that had not seen the image",
    "out-of-distribution": "noticing images unlike everything that was learned from",
    "pad": "a border makes it square",
    "pareto front": "choices of which none is both faster and better than another",
    "precision": "of the images called by this class, the share that are of it",
    "prediction set": "the classes of which the right one is most likely one",
    "pretrained": "has learned from millions of other images",
    "recall": "of the images of this class, the share that were found",
    "reject option": "the answer is left to a person where the model is not sure enough",
    "reliability diagram": "compares how sure the model was with how often it was right",
    "robustness": "how much of the score is left when images get worse",
    "single-task": "a model that answers one of the questions alone",
    "source": "images of another kind that help to learn",
    "squash": "it is pressed into a square",
    "sweep": "several are trained, and compared on the same images",
    "timm": "the library that the networks come from",
    "transfer strategy": "how what the network knows is carried over to your images",
    "unlabelled": "its class is not known yet",
    "validation": "images set aside to watch the training; not those of the score",
    "wilson": "a range for a share, honest also where there are few images",
}
"""By the term in lower case."""


def explanation(words: str) -> str:
    """What the terms in these words mean; empty where none is known. As glossary.js puts it."""
    found = [term for term in GLOSSARY if term in words.lower()]
    most = [term for term in found if not any(term != other and term in other for other in found)]
    return "; ".join(f"{term}: {GLOSSARY[term]}" for term in most)


_glossary = st.components.v2.component(
    "graft_glossary", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def explain_terms() -> None:
    """Give every element of the class `term` on this page its explanation."""
    with st.container(key="unseen-glossary"):
        _glossary(key="glossary", data={"terms": GLOSSARY})

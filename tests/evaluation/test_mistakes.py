"""Which mistakes are called perhaps none."""

from core.evaluation.mistakes import suspected


def made(*odd):
    """Ten cups and ten mugs that are well known, and odd ones: true class, share of cup."""
    known = [("cup", 0.9)] * 10 + [("mug", 0.1)] * 10
    rows = [
        {"true": true, "label": "cup" if cup > 0.5 else "mug", "probabilities": [cup, 1 - cup]}
        for true, cup in (*known, *odd)
    ]
    rows = [row | {"name": f"{n}.png", "image": str(n)} for n, row in enumerate(rows)]
    return {"classes": ["cup", "mug"], "predictions": rows}


def test_a_mistake_of_which_it_is_very_sure_is_suspected():
    assert suspected(made(("mug", 0.99), ("cup", 0.4), ("cup", 0.02))) == {20, 22}


def test_what_it_gets_right_is_never_suspected():
    assert suspected(made()) == frozenset()


def test_a_class_of_few_pictures_is_left_in_peace():
    report = made(("jug", 0.99))
    report["classes"].append("jug")
    for row in report["predictions"]:
        row["probabilities"].append(0.0)
    assert suspected(report) == frozenset()


def test_the_check_of_all_pictures_is_believed_rather_than_this_model_alone():
    report = made(("mug", 0.99), ("cup", 0.4))
    checked = {("21.png", "21"), ("0.png", "0"), ("elsewhere.png", "20")}
    assert suspected(report, checked) == {21}
    assert suspected(report, set()) == frozenset()

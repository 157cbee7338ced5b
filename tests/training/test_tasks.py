"""Several questions about each image, answered by one network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.analysis.prediction import predict_files
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadRecipe, UnusableDataset
from core.evaluation.report import Report
from core.events import Finished
from core.model import Model
from core.recipe import Recipe
from core.strategies import get_strategy
from core.training.preparation import prepare
from core.training.run import train
from core.transfer import Batch
from core.transfer.option_info import resolve


def go_on():
    return False


@pytest.fixture(scope="module")
def together(run_folder, several, settings):
    """A run that learned both questions."""
    folder = run_folder("multi_task", dataset=several, steps=20, batch=16)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)
    return folder


def test_each_task_is_evaluated_by_itself_on_the_images_whose_answer_is_known(together, several):
    report = Report.load(together)
    (ink,) = report.other_tasks
    assert (report.task, report.classes) == ("digit", ("0", "1", "2"))
    assert (ink.task, ink.classes) == ("ink", ("black", "white"))
    for each in (report, ink):
        assert each.correct > each.majority.accuracy * each.n
        assert each.start
        place = several.tasks.index(each.task)
        told = {(i.image, i.labels[place]) for i in several.items if i.labels}
        assert {(row.image, row.true) for row in each.predictions} <= told


def test_no_image_is_learned_for_one_task_and_evaluated_with_for_another(
    run_folder, several, settings
):
    folder = run_folder("multi_task", dataset=several)
    setup = prepare(Recipe.from_json((folder / "recipe.json").read_text()), settings)
    assert not {*setup.split.train} & {*setup.split.test}
    assert len(setup.split.train) + len(setup.split.test) == 120
    for head in setup.heads:
        assert head.known(setup.split.train)
        assert head.known(setup.split.test)


def test_the_saved_model_answers_every_question(together, settings, tmp_path):
    model, report = Model.load(together / "model"), Report.load(together)
    picture = Store(settings.home).open(report.predictions[0].image)
    picture.save(tmp_path / "one.png")
    (*_, last) = predict_files(together, [tmp_path / "one.png"], settings)
    (row,) = last.result["predictions"]
    assert row["label"] == row["tasks"]["digit"]["label"]
    for task, answer in row["tasks"].items():
        assert tuple(answer["probabilities"]) == model.description.tasks[task]
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_a_question_that_does_not_count_keeps_its_first_classifier(
    run_folder, several, settings, together
):
    alone = run_folder("multi_task", dataset=several, steps=20, batch=16, weights={"ink": 0})
    list(train(alone, settings, go_on))
    one, both = (Model.load(folder / "model").network.classifier for folder in (alone, together))
    start = run_folder("multi_task", dataset=several, steps=1, batch=16, weights={"ink": 0})
    list(train(start, settings, go_on))
    first = Model.load(start / "model").network.classifier
    torch.testing.assert_close(one.weight[3:], first.weight[3:], rtol=0.01, atol=1e-5)
    assert not torch.allclose(both.weight[3:], first.weight[3:], rtol=0.01, atol=1e-5)


def test_the_loss_is_the_weighted_sum_over_the_answers_that_are_known():
    options = resolve(
        get_strategy("multi_task"), {"weights": {"b": 0.5}, "label_smoothing": 0.0},
        images=300, classes=5, family="cnn",
    )  # fmt: skip
    import timm

    network = timm.create_model("resnet10t", num_classes=5)
    objective = get_strategy("multi_task").phases(network, options)[1].objective
    logits = torch.tensor([[2.0, 0.0, 0.0, 1.0, 3.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    batch = Batch(
        inputs=torch.zeros(2, 3, 8, 8),
        labels=torch.tensor([[0, 1], [-1, 0]]),
        output_slices={"a": slice(0, 3), "b": slice(3, 5)},
    )
    loss, _ = objective(lambda _: (logits, logits), batch)
    first = -np.log(np.exp(2) / (np.exp(2) + 2))  # the second answer to a is not known
    second = (-np.log(np.exp(3) / (np.exp(3) + np.exp(1))) + np.log(2)) / 2
    assert float(loss) == pytest.approx(first + 0.5 * second, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"colour": 1}}, "no label column “colour”"),
        ({"weights": {"ink": 0, "digit": 0}}, "At least one"),
        ({"weights": {"ink": 101}}, "less than or equal to 100"),
    ],
)
def test_weights_that_cannot_be_are_refused(run_folder, several, settings, options, said):
    folder = run_folder("multi_task", dataset=several, **options)
    with pytest.raises(BadRecipe, match=said):
        list(train(folder, settings, go_on))


def test_one_label_column_is_not_enough(run_folder, settings):
    with pytest.raises(BadRecipe, match="several label columns"):
        list(train(run_folder("multi_task"), settings, go_on))


def test_a_class_of_one_task_with_a_single_image_is_named_with_its_column(
    run_folder, several, settings
):
    first, *rest = several.items
    odd = replace(first, labels=(first.labels[0], "green"))
    dataset = replace(several, items=(odd, *rest))
    Store(settings.home).save(dataset)
    with pytest.raises(UnusableDataset, match=r"column “ink”.*“green” \(1\)"):
        list(train(run_folder("multi_task", dataset=dataset), settings, go_on))


def test_any_of_the_questions_can_be_learned_alone(run_folder, several, settings, tmp_path):
    folder = run_folder("feature_extraction", dataset=several)
    recipe = json.loads((folder / "recipe.json").read_text()) | {"task": "ink"}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    list(train(folder, settings, go_on))
    report = Report.load(folder)
    assert report.classes == ("black", "white")
    assert report.dataset == several.id
    recipe["task"] = "colour"
    (folder / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(UnusableDataset, match="no label column “colour”"):
        list(train(folder, settings, go_on))


def test_items_are_labelled_jointly_when_any_column_says_something():
    items = (
        Item("a" * 64, "x", "a", labels=("x", None)),
        Item("b" * 64, None, "b", "unlabelled", labels=(None, "y")),
        Item("c" * 64, None, "c", "unlabelled"),
    )
    dataset = Dataset("t", items, tasks=("one", "two")).jointly()
    assert [item.label for item in dataset.items] == ["x", "two: y", None]
    assert [item.role for item in dataset.items] == ["labelled", "labelled", "unlabelled"]

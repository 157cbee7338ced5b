"""The map: all pictures at once, those that look alike side by side; choose some, change them."""

from collections.abc import Mapping

import streamlit as st

from core import Item, edits, get_settings, map_methods, points_by_image
from pages.parts import text
from pages.parts.by_itself import job_by_itself
from pages.parts.data_pages import data_pages
from pages.parts.frame import empty, frame, onward
from pages.parts.gallery import gallery
from pages.parts.last_change import change, last_change
from pages.parts.map import picture_map
from pages.parts.place import Place

MOST_SHOWN = 60
METHODS = {"pca": "Differences · PCA", "umap": "Neighbours · UMAP"}
ADVICE = {
    "pca": "The two directions in which the pictures differ most. Far apart means different.",
    "umap": "Pictures that look alike form islands. How far the islands are from each other "
    "means little.",
}

Places = Mapping[str, tuple[float, float]]


class NoMap(LookupError):
    """Nobody has mapped this version."""


@st.cache_resource(max_entries=4, show_spinner=False)
def load_places(version: str, method: str) -> Places:
    places = points_by_image(version, get_settings(), method)
    if places is None:
        raise NoMap
    return places


def known_places(place: Place, method: str) -> Places | None:
    """The map of the version in use, or of one that has all its pictures: so nothing moves on it
    when pictures are relabelled or removed."""
    for version in place.versions:
        try:
            places = load_places(version, method)
        except NoMap:
            continue
        if all(item.image in places for item in place.dataset.items):
            return places
    return None


def choose_method() -> str:
    offered = map_methods()
    if len(offered) == 1:
        return offered[0]
    method = st.segmented_control(
        "How the map is laid out",
        offered,
        default="pca",
        required=True,
        format_func=METHODS.get,
        key="map-method",
        label_visibility="collapsed",
    )
    st.html(f'<p class="muted small">{ADVICE[method]}</p>')
    return method


def chosen_pictures(place: Place, chosen: list[int]) -> None:
    """The chosen pictures, and what can be done with them."""
    items = [place.dataset.items[each] for each in chosen]
    st.subheader(f"{text.count(len(items), 'picture')} chosen", anchor=False)
    st.html(f'<p class="muted small">{by_class(items)}</p>')
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-actions"):
        label = st.selectbox(
            "Class",
            place.dataset.classes,
            index=None,
            accept_new_options=True,
            placeholder="Choose a class, or type a new one",
            format_func=text.among(place.dataset.classes),
            key=f"map-class-{place.versions[0]}",
        )
        act(place, "Move to this class", "drive_file_move", "move", disabled=not label,
            edit=lambda dataset: edits.relabel(dataset, chosen, label or ""))  # fmt: skip
        act(place, "Set aside without a class", "label_off", "aside",
            edit=lambda dataset: edits.unlabel(dataset, chosen))  # fmt: skip
        act(place, "Keep together", "link", "together", disabled=len(chosen) < 2,
            edit=lambda dataset: edits.group(dataset, chosen, f"with {items[0].image[:16]}"),
            advice="They are never parted by a test: all are learned from, or all are tested "
            "with.")  # fmt: skip
        act(place, "Remove", "delete", "remove",
            edit=lambda dataset: edits.remove(dataset, chosen))  # fmt: skip
    st.html(gallery(items[:MOST_SHOWN]))
    if len(items) > MOST_SHOWN:
        st.html(f'<p class="muted small">and {len(items) - MOST_SHOWN:,} more</p>')


def act(place, label, icon, key, *, edit, disabled=False, advice=None) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"map-{key}",
        disabled=disabled,
        help=advice,
        on_click=change,
        args=(place, edit),
    )


def by_class(items: list[Item]) -> str:
    """ "8 in cat, 3 in dog" as HTML."""
    counts: dict[str | None, int] = {}
    for item in items:
        counts[item.label] = counts.get(item.label, 0) + 1
    largest = sorted(counts.items(), key=lambda pair: -pair[1])[:6]
    said = ", ".join(
        f"{n:,} in {text.bdi(name, 40)}" if name else f"{n:,} without a class"
        for name, n in largest
    )
    return said + (" and others" if len(counts) > len(largest) else "")


place = frame("pictures")
data_pages("map")
if place.dataset is None:
    empty("First, pictures", place.damage or "Bring pictures, and they are laid out here.")
    onward("Bring pictures", "pictures")
    st.stop()
st.title("Map of your pictures", anchor=False)
last_change(place)
method = choose_method()
places = known_places(place, method)
if places is None:
    version = place.versions[0]
    now = job_by_itself("map", project=place.project.id, dataset=version, method=method)
    if now.state == "finished":
        st.error("The map got lost. Reload the page to have it drawn again.")
    st.stop()
chosen = picture_map(place.dataset, place.versions[0], places, method)
if chosen:
    chosen_pictures(place, chosen)

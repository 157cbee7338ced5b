"""The map: all images at once, those that look alike side by side; choose some, change them."""

from collections.abc import Callable, Mapping

import streamlit as st

from core.analysis.embedding_map import Method, points_by_image
from core.analysis.embedding_map import methods as map_methods
from core.dataset import edits
from core.dataset.manifest import Dataset, Item
from core.settings import get_settings
from pages.components import text
from pages.components.frame import frame, need_any_images
from pages.components.gallery import gallery
from pages.components.jobs import required_job
from pages.components.permission import only_for
from pages.components.project_context import ProjectContext
from pages.components.scatter_map import picture_map
from pages.sections.images.image_pages import image_pages
from pages.sections.images.last_change import last_change, on_change

MOST_SHOWN = 60
METHODS: dict[Method, str] = {"pca": "Differences · PCA", "umap": "Neighbours · UMAP"}
ADVICE: dict[Method, str] = {
    "pca": "Shows the two directions in which the images differ most. Far apart means different.",
    "umap": "Images that look alike form islands. Distances between islands mean little.",
}

Places = Mapping[str, tuple[float, float]]


class NoMap(LookupError):
    """Nobody has mapped this version."""


@st.cache_resource(max_entries=4, show_spinner=False)
def load_places(version: str, method: Method) -> Places:
    places = points_by_image(version, get_settings(), method)
    if places is None:
        raise NoMap
    return places


def known_places(context: ProjectContext, method: Method) -> Places | None:
    """The map of the version in use, or of one that has all its images: so nothing moves on it
    when images are relabelled or removed."""
    for version in context.versions:
        try:
            places = load_places(version, method)
        except NoMap:
            continue
        if all(item.image in places for item in context.dataset.items):
            return places
    return None


def choose_method() -> Method:
    offered = map_methods()
    if len(offered) == 1:
        return offered[0]
    method = st.segmented_control(
        "Layout",
        offered,
        default="pca",
        required=True,
        format_func=METHODS.__getitem__,
        key="map-method",
        label_visibility="collapsed",
    )
    st.html(f'<p class="muted small">{ADVICE[method]}</p>')
    return method


def chosen_pictures(context: ProjectContext, chosen: list[int]) -> None:
    """The chosen images, and what can be done with them."""
    items = [context.dataset.items[each] for each in chosen]
    st.header(f"{text.count(len(items), 'image')} selected", anchor=False)
    st.html(f'<p class="muted small">{by_class(items)}</p>')
    with st.container(horizontal=True, vertical_alignment="bottom", key="map-actions"):
        label = st.selectbox(
            "Class",
            context.dataset.classes,
            index=None,
            accept_new_options=True,
            placeholder="Choose or type a class",
            format_func=text.among(context.dataset.classes),
            key=f"map-class-{context.versions[0]}",
        )
        act(context, "Move to this class", "drive_file_move", "move", disabled=not label,
            edit=lambda dataset: edits.relabel(dataset, chosen, label or ""))  # fmt: skip
        act(context, "Set aside without a class", "label_off", "aside",
            edit=lambda dataset: edits.unlabel(dataset, chosen))  # fmt: skip
        act(context, "Keep together", "link", "together", disabled=len(chosen) < 2,
            edit=lambda dataset: edits.group(dataset, chosen),
            advice="They stay together: all for training, or all for testing.")  # fmt: skip
        act(context, "Remove", "delete", "remove",
            edit=lambda dataset: edits.remove(dataset, chosen))  # fmt: skip
    st.html(gallery(items[:MOST_SHOWN]))
    if len(items) > MOST_SHOWN:
        st.html(f'<p class="muted small">and {len(items) - MOST_SHOWN:,} more</p>')


@only_for()
def act(
    context: ProjectContext,
    label: str,
    icon: str,
    key: str,
    *,
    edit: Callable[[Dataset], Dataset],
    disabled: bool = False,
    advice: str | None = None,
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"map-{key}",
        disabled=disabled,
        help=advice,
        on_click=on_change,
        args=(context, edit),
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


context = frame("images")
image_pages("map")
need_any_images(context, "Your images are laid out here.")
st.title("Map of your images", anchor=False)
last_change(context)
method = choose_method()
places = known_places(context, method)
if places is None:
    version = context.versions[0]
    now = required_job("map", project=context.project.id, dataset=version, method=method)
    if now and now.state == "finished":
        st.error("The map was lost. Reload the page to draw it again.")
    st.stop()
chosen = picture_map(context.dataset, context.versions[0], places, method)
if chosen:
    chosen_pictures(context, chosen)

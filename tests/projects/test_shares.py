"""Links to a project: their secret, what they allow, and their end."""

import base64
import time

import pytest
from made_people import acting

from core.errors import BadInput, NotAllowed, NotFound
from core.jobs.cleanup import cleanup
from core.jobs.engine import open_queue
from core.projects import create_project
from core.projects.database import session
from core.projects.deeds import deeds
from core.projects.people_tables import ShareRow, digest_of
from core.projects.shares import make_share, revoke_share, share_path, shares
from core.settings import get_settings


def test_a_link_is_shown_once_and_kept_as_a_digest_alone(peopled):
    with acting("owner"):
        secret = make_share(peopled, ["test"], 7)
        (link,) = shares(peopled)
    assert len(base64.urlsafe_b64decode(secret + "=")) * 8 == 256
    assert share_path(secret) == f"/graft/share/{secret}"
    assert (link.id, link.made_by) == (digest_of(secret), "owner")
    assert link.actions == {"look", "test"}
    assert link.expires_at - link.created_at == 7 * 86_400
    with session(get_settings()) as opened:
        (row,) = opened.query(ShareRow).all()
        kept = [str(value) for value in vars(row).values()]
        assert not any(secret in each for each in kept)
    assert not any(secret in (deed.about + deed.what) for deed in deeds(peopled))


def test_only_owners_make_list_and_revoke_links(peopled):
    make_share(peopled, ["look"], 1)
    (link,) = shares(peopled)
    for name, refusal in (("editor", NotAllowed), ("viewer", NotAllowed), ("stranger", NotFound)):
        for ask in (
            lambda: make_share(peopled, ["look"], 1),
            lambda: shares(peopled),
            lambda: revoke_share(peopled, link.id),
        ):
            with acting(name), pytest.raises(refusal):
                ask()
    assert shares(peopled) == [link]


def test_a_revoked_link_is_gone_and_another_project_s_is_out_of_reach(peopled):
    other = create_project("Other").id
    make_share(other, ["look"], 1)
    (theirs,) = shares(other)
    with acting("owner"), pytest.raises(NotFound):
        revoke_share(peopled, theirs.id)
    revoke_share(other, theirs.id)
    assert shares(other) == []
    with pytest.raises(NotFound):
        revoke_share(other, theirs.id)
    assert [deed.what for deed in deeds(other)] == ["link revoked", "link made"]


@pytest.mark.parametrize(
    ("actions", "days"),
    [(["edit"], 7), (["look", "manage"], 7), (["look"], 0), (["look"], 91), (["look"], -1)],
)
def test_a_link_never_lets_anybody_change_anything_nor_lasts_for_ever(peopled, actions, days):
    with pytest.raises(BadInput):
        make_share(peopled, actions, days)
    with pytest.raises(NotFound):
        make_share("0" * 16, ["look"], 7)


def test_links_whose_time_is_over_are_swept(peopled):
    for _ in range(2):
        make_share(peopled, ["look"], 7)
        with session(get_settings()) as opened:
            for row in opened.query(ShareRow):
                row.expires_at = time.time() - 1
        if _:
            open_queue(get_settings())
            cleanup(get_settings())
        else:
            assert shares(peopled) == []
        with session(get_settings()) as opened:
            assert opened.query(ShareRow).count() == 0

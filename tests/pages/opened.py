"""A page opened as a script, and what it says."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

INDEX = Path(__file__).resolve().parents[2] / "pages" / "index.py"


def open_page(page: str, **query: str) -> AppTest:
    """One page, run once."""
    app = AppTest.from_file(str(INDEX), default_timeout=120)
    app.run()
    if page != "home":
        app.switch_page(f"{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    """All that the page says, markup included."""
    kinds = [app.main.get(kind) for kind in ("html", "markdown", "title", "header", "error")]
    return "\n".join(str(getattr(one, "value", "") or one.proto.body) for k in kinds for one in k)


def method(app: AppTest) -> str:
    """The card of the training method in use, on the page Train."""
    (card,) = [
        one.proto.body for one in app.main.get("html") if "transfer strategy" in one.proto.body
    ]
    return card


def press(app: AppTest, label: str) -> AppTest:
    """Press the first button of that name."""
    next(button for button in app.button if label in button.label).click()
    app.run()
    assert not app.exception
    return app

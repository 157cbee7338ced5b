// Streamlit draws plain boxes: say which of them are navigation, and which link is open. What is
// wider than the window can be scrolled by keyboard, too. The page is drawn bit by bit and parts of
// it are used again on the next page, so this is said anew at every change.
export default function ({ data }) {
  const say = () => {
    document.querySelectorAll(".scroll").forEach(reach);
    for (const [key, label] of Object.entries(data.bars)) {
      for (const bar of document.querySelectorAll(`.st-key-${key}`)) {
        bar.setAttribute("role", "navigation");
        bar.setAttribute("aria-label", label);
        for (const link of bar.querySelectorAll("a")) {
          if (link.closest("[class*='-here-']")) link.setAttribute("aria-current", "page");
          else link.removeAttribute("aria-current");
        }
      }
    }
  };
  say();
  const changes = new MutationObserver(say);
  changes.observe(document.body, { childList: true, subtree: true, attributeFilter: ["class"] });
  const sizes = new ResizeObserver(say);
  sizes.observe(document.body);
  return () => {
    changes.disconnect();
    sizes.disconnect();
  };
}

// A table that is cut off is a stop of the Tab key with a name; any other is none.
function reach(box) {
  const cut = box.scrollWidth > box.clientWidth;
  const wanted = { tabindex: "0", role: "group", "aria-label": "Table, wider than the window" };
  for (const [name, value] of Object.entries(wanted)) {
    if (cut) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
}

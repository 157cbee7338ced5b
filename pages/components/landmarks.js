// Streamlit draws plain boxes: say which of them are navigation, and which link is open.
export default function ({ data }) {
  for (const [key, label] of Object.entries(data.bars)) {
    for (const bar of document.querySelectorAll(`.st-key-${key}`)) {
      bar.setAttribute("role", "navigation");
      bar.setAttribute("aria-label", label);
      for (const link of bar.querySelectorAll("a")) {
        const here = link.closest("[class*='-here-']");
        if (here) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    }
  }
}

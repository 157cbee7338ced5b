// Streamlit draws plain boxes: say which of them are navigation, and which link is open. The page
// is drawn bit by bit and parts of it are used again on the next page, so this is said anew at
// every change.
export default function ({ data }) {
  const say = () => {
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
  return () => changes.disconnect();
}

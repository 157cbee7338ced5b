// Gives each term on the page its explanation: pointed at, it is a tooltip; reached by key or
// touch, it stands behind the term (style.css). Pages are drawn bit by bit, so at every change.
export default function ({ data }) {
  const terms = Object.entries(data.terms);
  const explanation = (words) => {
    const found = terms.filter(([term]) => words.includes(term));
    const most = found.filter(([term]) => !found.some(([other]) => other !== term && other.includes(term)));
    return most.map(([term, meaning]) => `${term}: ${meaning}`).join("; ");
  };
  const explain = () => {
    for (const each of document.querySelectorAll(".term:not([title])")) {
      each.title = explanation((each.dataset.english ?? each.textContent).toLowerCase());
      if (!each.title) continue;
      each.tabIndex = 0;
      each.setAttribute("role", "note");
    }
  };
  explain();
  const changes = new MutationObserver(explain);
  changes.observe(document.body, { childList: true, subtree: true });
  return () => changes.disconnect();
}

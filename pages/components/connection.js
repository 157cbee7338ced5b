// Streamlit's own words for a server that is gone blame the internet, or speak of Streamlit. The
// dialog is React's, so it is only marked; style.css says what is true instead.
const OF_STREAMLIT = /Is Streamlit still running|Streamlit server is not responding|Cannot connect to Streamlit/;

export default function () {
  const look = () => {
    for (const dialog of document.querySelectorAll("[role=dialog]:not([data-stopped])")) {
      if (!OF_STREAMLIT.test(dialog.textContent)) continue;
      dialog.dataset.stopped = "";
      dialog.removeAttribute("aria-labelledby");
      dialog.setAttribute("aria-label", "Graft has stopped. Your work is safe.");
    }
  };
  look();
  const changes = new MutationObserver(look);
  changes.observe(document.body, { childList: true, subtree: true, characterData: true });
  return () => changes.disconnect();
}

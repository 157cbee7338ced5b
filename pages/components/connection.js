// Streamlit's own words for a server that is gone blame the internet, or speak of Streamlit. The
// dialog is React's, so it is only marked; style.css says what is true instead.
const OF_STREAMLIT = /Is Streamlit still running|Streamlit server is not responding|Cannot connect to Streamlit/;

const STATE = "data-test-connection-state";

// The server cuts the sockets of a browser that was signed out. Whoever is not signed in is led from
// every page to where one signs in, so the page asks for itself anew.
async function leaveWhenSignedOut() {
  if (document.querySelector(`[${STATE}=CONNECTED]`)) return;
  const answer = await fetch("/_stcore/host-config", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) location.reload();
}

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
  const changes = new MutationObserver((all) => {
    look();
    if (all.some((each) => each.attributeName === STATE)) leaveWhenSignedOut();
  });
  changes.observe(document.body, { childList: true, subtree: true, characterData: true, attributeFilter: [STATE] });
  return () => changes.disconnect();
}

// Streamlit's own words for a server that is gone blame the internet, or speak of Streamlit. The
// dialog is React's, so it is only marked; style.css says what is true instead.
const OF_STREAMLIT = /Is Streamlit still running|Streamlit server is not responding|Cannot connect to Streamlit/;

const STATE = "data-test-connection-state";

// The server cuts the sockets of a browser that was signed out. Whoever is not signed in is led from
// every page to where one signs in, so the page asks for itself anew. It may be cut before it is
// drawn to its end, and a server that is gone for a moment says nothing: so it asks until it knows.
let asking = false;

async function leaveWhenSignedOut(probe) {
  if (asking) return;
  asking = true;
  while (!document.querySelector(`[${STATE}=CONNECTED]`)) {
    const answer = await fetch(probe, { cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) return location.reload();
    await new Promise((done) => setTimeout(done, 1000));
  }
  asking = false;
}

export default function ({ data }) {
  const look = () => {
    for (const dialog of document.querySelectorAll("[role=dialog]:not([data-stopped])")) {
      if (!OF_STREAMLIT.test(dialog.textContent)) continue;
      dialog.dataset.stopped = "";
      dialog.removeAttribute("aria-labelledby");
      dialog.setAttribute("aria-label", "Graft has stopped. Your work is safe.");
    }
  };
  look();
  leaveWhenSignedOut(data.probe);
  const changes = new MutationObserver((all) => {
    look();
    if (all.some((each) => each.attributeName === STATE)) leaveWhenSignedOut(data.probe);
  });
  changes.observe(document.body, { childList: true, subtree: true, characterData: true, attributeFilter: [STATE] });
  return () => changes.disconnect();
}

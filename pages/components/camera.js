// What every part with a camera does: turn it on and off, and offer the others there are. Stands
// before the script of the part itself, which has `turnOn`, `turnOff` and `fault`.
const WIDEST = 640;

class CameraPart {
  constructor(root) {
    this.root = root;
    this.at = (selector) => root.querySelector(selector);
    this.at(".turn-on").addEventListener("click", () => this.turnOn());
    this.at(".device").addEventListener("change", (event) => this.turnOn(event.target.value));
  }

  // Show the camera in <video>; false where there is none to be had, which is said.
  async openCamera(device) {
    this.fault("");
    if (!navigator.mediaDevices?.getUserMedia) {
      this.fault("Browsers allow the camera only on https:// addresses and on localhost. Open Graft at one of these, or choose files instead.");
      return false;
    }
    this.stopStream();
    const video = { width: { ideal: WIDEST } };
    if (device) video.deviceId = { exact: device };
    else video.facingMode = { ideal: "environment" };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video });
    } catch (error) {
      this.turnOff();
      this.fault(refusal(error));
      return false;
    }
    this.at("video").srcObject = this.stream;
    await this.at("video").play().catch(() => {});
    await this.offerDevices(); // first: who types already must not lose the cursor to what follows
    if (!this.stream) return false;
    this.at(".off").hidden = true;
    this.at(".on").hidden = false;
    return true;
  }

  async offerDevices() {
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const cameras = all.filter((each) => each.kind === "videoinput");
    const used = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    this.at(".device").replaceChildren(...cameras.map((each, n) => {
      const option = new Option(each.label || `Camera ${n + 1}`, each.deviceId);
      option.selected = each.deviceId === used;
      return option;
    }));
    this.at(".which").hidden = cameras.length < 2;
  }

  stopStream() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
  }

  closeCamera() {
    this.stopStream();
    this.at(".on").hidden = true;
    this.at(".off").hidden = false;
  }
}

function refusal(error) {
  switch (error.name) {
    case "NotFoundError": case "OverconstrainedError": return "No camera was found. Plug one in and try again, or choose files instead.";
    case "NotAllowedError": return "The browser blocked the camera. Allow it in the address bar and try again.";
    case "NotReadableError": return "Another program is using the camera. Close it and try again.";
    default: return "The camera cannot be used here. Choose files instead.";
  }
}

/* From a file to its pixels as the app sees them, and what to say of a file that has none. */

const MOST_BYTES = 256 * 1024 * 1024, MOST_PIXELS = 100_000_000, MOST_FILES = 5000, MOST_LOOKED_AT = 50_000;
const TILE = 2048;

/* The file is no image that can be answered; the message says what to do. */
class Refused extends Error {}

const text = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));
const HEIF_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/* The format that a file's first bytes announce, never its name; null for none. */
function kindOf(head) {
  const starts = (...values) => values.every((value, at) => head[at] === value);
  if (starts(0xff, 0xd8, 0xff)) return "jpeg";
  if (text(head, 1, 8) === "PNG\r\n\x1a\n") return "png";
  if (/^GIF8[79]a/.test(text(head, 0, 6))) return "gif";
  if (text(head, 0, 4) === "RIFF" && text(head, 8, 12) === "WEBP") return "webp";
  if (text(head, 4, 8) === "ftyp") {
    const brand = text(head, 8, 12);
    if (brand === "avif" || brand === "avis") return "avif";
    return HEIF_BRANDS.includes(brand) ? "heic" : null;
  }
  return text(head, 0, 2) === "BM" && head.length > 26 ? "bmp" : null;
}

const REMEDY = "save it as JPEG or PNG.";

/* Why a file with these first bytes cannot be answered: what it is, and what to do. */
function whatElse(head) {
  const start = text(head, 0, 16), words = text(head, 0, head.length).trimStart();
  if (!head.length)
    return "The file is empty. If it lies in a cloud folder, make it available offline, then choose it again.";
  if (/^(II[*+]\0|MM\0[*+]|FUJIFILM|IIU\0)/.test(start) || start.startsWith("ftypcrx", 4))
    return `A browser cannot show TIFF or camera raw files: ${REMEDY}`;
  if (start.startsWith("jP  ", 4) || start.startsWith("\xff\x4f\xff\x51"))
    return `A browser cannot show JPEG 2000: ${REMEDY}`;
  if (/^P[1-6]\s+[#\d]|^Pf\s+\d/.test(start)) return `A browser cannot show PBM, PGM or PPM: ${REMEDY}`;
  if (start.startsWith("%PDF")) return "This is a PDF: save its pages as JPEG or PNG and bring those.";
  if (start.startsWith("PK\x03\x04")) return "This is a ZIP: unpack it and bring the folder.";
  if (start.startsWith("ftyp", 4) || /^(RIFF|\x1aE\xdf\xa3)/.test(start))
    return "This is a video: save single frames as JPEG or PNG and bring those.";
  if (/^<(\?xml|svg|html|!doc)/i.test(words))
    return "This is a drawing or page in text form (SVG, HTML): save it as PNG first.";
  if (!head.includes(0)) return "This is text or a damaged file, not an image: bring the image itself.";
  return `This is no image that a browser can show: ${REMEDY}`;
}

const be16 = (b, at) => (b[at] << 8) | b[at + 1];
const be32 = (b, at) => be16(b, at) * 65536 + be16(b, at + 2);
const le16 = (b, at) => b[at] | (b[at + 1] << 8);
const le32 = (b, at) => le16(b, at) + le16(b, at + 2) * 65536;
const le24 = (b, at) => le16(b, at) | (b[at + 2] << 16);

async function bytesOf(file, from, length) {
  return new Uint8Array(await file.slice(from, from + length).arrayBuffer());
}

/* [width, height] that the file says it has, before anything is decoded; null where it says none. Of
   a JPEG also whether its colours are packed at half the size, as those of most cameras. */
async function sizeSaid(file, kind, head) {
  if (kind === "jpeg") return jpegSize(file);
  if (kind === "png") return [be32(head, 16), be32(head, 20)];
  if (kind === "gif") return [le16(head, 6), le16(head, 8)];
  if (kind === "bmp")
    return le32(head, 14) === 12
      ? [le16(head, 18), le16(head, 20)]
      : [Math.abs(le32(head, 18) | 0), Math.abs(le32(head, 22) | 0)];
  if (kind === "webp") return webpSize(head);
  return heifSize(await bytesOf(file, 0, 256 * 1024));
}

async function jpegSize(file) {
  for (let at = 2, seen = 0; at < file.size && seen < 1000; seen++) {
    const b = await bytesOf(file, at, 19);
    if (b[0] !== 0xff) return null;
    if (b[1] === 0xff) at += 1;
    else if (b[1] === 0x01 || (b[1] >= 0xd0 && b[1] <= 0xd8)) at += 2;
    else if (b[1] >= 0xc0 && b[1] <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(b[1]))
      return [be16(b, 7), be16(b, 5), b[9] === 3 && b[11] === 0x22 && b[14] === 0x11 && b[17] === 0x11];
    else at += 2 + be16(b, 2);
  }
  return null;
}

function webpSize(b) {
  const kind = text(b, 12, 16);
  if (kind === "VP8X") return [1 + le24(b, 24), 1 + le24(b, 27)];
  if (kind === "VP8L") return [1 + (le16(b, 21) & 0x3fff), 1 + ((le32(b, 21) >>> 14) & 0x3fff)];
  return kind === "VP8 " ? [le16(b, 26) & 0x3fff, le16(b, 28) & 0x3fff] : null;
}

/* The largest image that an AVIF or HEIC announces: tiles and thumbnails are smaller. */
function heifSize(b) {
  let largest = null;
  for (let at = 4; at + 16 <= b.length; at++) {
    if (b[at] !== 0x69 || text(b, at, at + 4) !== "ispe") continue;
    const size = [be32(b, at + 8), be32(b, at + 12)];
    if (!largest || size[0] * size[1] > largest[0] * largest[1]) largest = size;
  }
  return largest;
}

/* The pixels of something that can be drawn, on white; each value the mean of a block of `factor`
   pixels. It is read in tiles, since phones allow no large canvas. */
function pixelsOf(source, width, height, factor) {
  const canvas = document.createElement("canvas"), step = Math.floor(TILE / factor) * factor;
  canvas.width = Math.min(width, step);
  canvas.height = Math.min(height, step);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const wide = Math.ceil(width / factor), tall = Math.ceil(height / factor);
  const data = new Uint8Array(wide * tall * 3);
  for (let top = 0; top < height; top += step)
    for (let left = 0; left < width; left += step) {
      const w = Math.min(step, width - left), h = Math.min(step, height - top);
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, w, h);
      pen.drawImage(source, left, top, w, h, 0, 0, w, h);
      const tile = withoutAlpha(pen.getImageData(0, 0, w, h));
      const small = factor > 1 ? reduce(tile, factor) : tile;
      for (let y = 0; y < small.height; y++) {
        const row = small.data.subarray(y * small.width * 3, (y + 1) * small.width * 3);
        data.set(row, ((top / factor + y) * wide + left / factor) * 3);
      }
    }
  canvas.width = canvas.height = 0;
  return { width: wide, height: tall, data };
}

function withoutAlpha({ width, height, data }) {
  const out = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    out[to++] = data[from];
    out[to++] = data[from + 1];
    out[to++] = data[from + 2];
  }
  return { width, height, data: out };
}

/* By how much the app's decoder shrinks a JPEG while it decodes it. */
function draftOf(width, height, side) {
  const [w, h] = within(width, height, side);
  const scale = Math.min(Math.floor(width / w), Math.floor(height / h));
  return [8, 4, 2, 1].find((each) => scale >= each);
}

/* {image, thumbnail} of a file: upright, on white, at most `side` on its longer side, and a Blob.
   Raises Refused. */
async function decoded(file, side) {
  if (file.size > MOST_BYTES) throw new Refused("The file is larger than 256 MB: save it smaller.");
  const head = await bytesOf(file, 0, 64).catch(() => {
    throw new Refused("The file cannot be read any more: choose it again.");
  });
  const kind = kindOf(head);
  if (!kind) throw new Refused(whatElse(head));
  const said = await sizeSaid(file, kind, head);
  if (said && said[0] * said[1] > MOST_PIXELS)
    throw new Refused(
      `It has ${said[0].toLocaleString("en")} × ${said[1].toLocaleString("en")} pixels and the most is 100 million in all: save it smaller.`,
    );
  const bitmap = said && (await drawable(file, kind));
  if (!bitmap) throw new Refused(unreadable(kind));
  try {
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS) throw new Refused("It has too many pixels: save it smaller.");
    const draft = kind === "jpeg" ? draftOf(width, height, side) : 1;
    const pixels = pixelsOf(bitmap, width, height, draft);
    const image = shrunk(said[2] ? sharperColours(pixels, draft) : pixels, side);
    return { image, thumbnail: await thumbnailOf(bitmap) };
  } finally {
    bitmap.close();
  }
}

async function drawable(file, kind) {
  const typed = new Blob([file], { type: `image/${kind}` }); // a wrong name must not mislead anyone
  try {
    return await createImageBitmap(typed, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

function unreadable(kind) {
  if (kind === "heic" || kind === "avif")
    return `This browser cannot show ${kind.toUpperCase()}: ${REMEDY}`;
  return `The ${kind.toUpperCase()} file is damaged: open it in a viewer and save it anew.`;
}

/* A small JPEG to look at. */
async function thumbnailOf(source, side = 192) {
  const [width, height] = within(source.width, source.height, side);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, 0, 0, width, height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
}

const IMAGE_NAME = /\.(jpe?g|jpe|jfif|png|webp|avif|gif|bmp|dib|tiff?|heic|heif|hif)$/i;
const meant = (path) => !path.split("/").some((part) => part.startsWith("."));

/* Of a folder the images, by their names; what was chosen one by one is taken as it is. */
function chosenFiles(files) {
  const named = [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
  return named.filter(({ file, name }) =>
    file.webkitRelativePath ? meant(name) && IMAGE_NAME.test(name) : true,
  );
}

/* What was dropped: files, and the images in folders, in the order of their names. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return chosenFiles(transfer.files);
  const found = [], ahead = entries.map((entry) => ({ entry, dropped: true })).reverse();
  for (let seen = 0; ahead.length && seen < MOST_LOOKED_AT; seen++) {
    const { entry, dropped } = ahead.pop(), name = entry.fullPath.replace(/^\//, "");
    if (entry.isDirectory) {
      const inside = await entriesOf(entry);
      inside.sort((a, b) => (a.name < b.name ? 1 : -1));
      ahead.push(...inside.map((each) => ({ entry: each, dropped: false })));
    } else if (dropped || (meant(name) && IMAGE_NAME.test(name))) {
      const file = await new Promise((done) => entry.file(done, () => done(null)));
      if (file) found.push({ file, name });
    }
  }
  return found;
}

async function entriesOf(folder) {
  const reader = folder.createReader(), all = [];
  for (;;) {
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!some.length || all.length > MOST_LOOKED_AT) return all;
    all.push(...some);
  }
}

// A picture as a PNG file that says how to draw it again.

const LARGE_SIDE = 512;

// The bytes of a PNG with a text chunk after its header.
function withText(png, keyword, text) {
  const body = new TextEncoder().encode("tEXt" + keyword + "\0" + text);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  const header = 33;
  return new Blob([png.slice(0, header), chunk, png.slice(header)], { type: "image/png" });
}

// The canvas at its own size or enlarged, as a PNG file.
async function pngOf(canvas, side, state) {
  let source = canvas;
  if (side > canvas.width) {
    source = document.createElement("canvas");
    Object.assign(source, { width: side, height: side });
    const context = source.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(canvas, 0, 0, side, side);
  }
  const blob = await new Promise((done) => source.toBlob(done, "image/png"));
  return withText(new Uint8Array(await blob.arrayBuffer()), "latent-atelier", JSON.stringify(state));
}

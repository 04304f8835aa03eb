// JPEG encoding off the page's thread. The picture comes back with the bytes: its boxes will be
// drawn on it.

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { alpha: false });

addEventListener("message", async ({ data: { picture, quality } }) => {
  canvas.width = picture.width;
  canvas.height = picture.height;
  context.drawImage(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
  const bytes = await blob.arrayBuffer();
  postMessage({ picture, bytes }, [picture, bytes]);
});

// Encodes JPEGs off the page's thread. Returns the image with the bytes: its boxes will be drawn on it.

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { alpha: false });

addEventListener("message", async ({ data: { image, quality } }) => {
  canvas.width = image.width;
  canvas.height = image.height;
  context.drawImage(image, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
  const bytes = await blob.arrayBuffer();
  postMessage({ image, bytes }, [image, bytes]);
});

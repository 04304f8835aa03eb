// A video that plays without being on the page; the stage draws its frames.

/** @param attach gives the element its source. Resolves when there is a first frame. */
export function playingVideo(attach) {
  const element = document.createElement("video");
  Object.assign(element, { muted: true, playsInline: true, loop: true });
  return new Promise((resolve, reject) => {
    element.onloadeddata = () => {
      element.play().then(() => resolve(element), reject);
    };
    element.onerror = () => reject(new Error(element.error?.message || "the video cannot be played"));
    attach(element);
  });
}

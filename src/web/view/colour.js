// A colour for each class, the same in every frame and session.

/** The golden angle: neighbouring class numbers get very different hues, without early repeats. */
const GOLDEN_ANGLE = 137.508;
const FIRST_HUE = 165;
const DARK_TEXT = [10, 18, 24];
const LIGHT_TEXT = [255, 255, 255];

/** @returns {[number, number, number]} red, green and blue from 0 to 255. */
export function classColour(classId) {
  const hue = (FIRST_HUE + classId * GOLDEN_ANGLE) % 360;
  const lightness = classId % 2 === 0 ? 0.66 : 0.76;
  return fromHsl(hue, 0.85, lightness);
}

/** Dark or white text, whichever is easier to read on this colour. */
export function textOn(colour) {
  return contrast(colour, DARK_TEXT) >= contrast(colour, LIGHT_TEXT) ? DARK_TEXT : LIGHT_TEXT;
}

/** Contrast ratio as WCAG 2 defines it, from 1 to 21. */
export function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

export const css = (colour, alpha = 1) => `rgb(${colour.join(" ")} / ${alpha})`;

function luminance(colour) {
  const [red, green, blue] = colour.map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function fromHsl(hue, saturation, lightness) {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset) => {
    const position = (offset + hue / 30) % 12;
    return lightness - reach * Math.max(-1, Math.min(position - 3, 9 - position, 1));
  };
  return [channel(0), channel(8), channel(4)].map((value) => Math.round(value * 255));
}

//! The key `anchors`: sizes of anchors or prior boxes, which outputs do not show.

use serde::{Deserialize, Deserializer, de};

/// One anchor: a width and a height in input pixels, or one number for both.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an element of `anchors` must be [width, height] in pixels, or one number for a square"
)]
enum Anchor {
    Side(f32),
    Sides([f32; 2]),
}

/// Reads a list of anchors.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Vec<[f32; 2]>>, D::Error> {
    let sides = |anchor| match anchor {
        Anchor::Side(side) => [side; 2],
        Anchor::Sides(sides) => sides,
    };
    let anchors: Vec<[f32; 2]> = Vec::deserialize(input)?.into_iter().map(sides).collect();
    let is_possible = |side: &f32| side.is_finite() && *side > 0.0;
    if anchors.is_empty() || !anchors.as_flattened().iter().all(is_possible) {
        return Err(de::Error::custom("`anchors` must list at least one size above 0"));
    }
    Ok(Some(anchors))
}

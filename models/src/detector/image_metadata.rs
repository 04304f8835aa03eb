//! How a file's metadata describe its image: the keys of the ONNX standard (`docs/MetadataProps.md`), which Azure's Custom
//! Vision and converters for Windows write.

use super::metadata::Metadata;
use crate::image_input::ChannelOrder;
use crate::layouts::Preprocessing;

/// The preprocessing with what the metadata say, if they say anything.
pub(super) fn described(
    metadata: &Metadata,
    preprocessing: &Preprocessing,
) -> Option<Preprocessing> {
    let entry = |key| metadata.get(key).map(|text| text.trim().to_ascii_lowercase());
    let channel_order = match entry("Image.BitmapPixelFormat").as_deref() {
        Some("bgr8") => Some(ChannelOrder::Bgr),
        Some("rgb8") => Some(ChannelOrder::Rgb),
        _ => None,
    };
    let range = match entry("Image.NominalPixelRange").as_deref() {
        Some("nominalrange_0_255") => Some((0.0, 1.0)),
        Some("normalized_0_1") => Some((0.0, 1.0 / 255.0)),
        Some("normalized_1_1") => Some((127.5, 1.0 / 127.5)),
        _ => None,
    };
    if channel_order.is_none() && range.is_none() {
        return None;
    }
    let (mean, scale) = match range {
        Some((mean, scale)) => ([mean; 3], [scale; 3]),
        None => (preprocessing.mean, preprocessing.scale),
    };
    let channel_order = channel_order.unwrap_or(preprocessing.channel_order);
    Some(Preprocessing { channel_order, mean, scale, ..*preprocessing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layouts::Family;

    #[test]
    fn order_and_range_are_read() {
        let defaults = Family::named("rt-detr").unwrap().preprocessing;
        let of = |entries: &[(&str, &str)]| {
            let own = |(key, text): &(&str, &str)| ((*key).to_owned(), (*text).to_owned());
            described(&entries.iter().map(own).collect(), &defaults)
        };
        let bgr = ("Image.BitmapPixelFormat", "Bgr8");
        let both = of(&[bgr, ("Image.NominalPixelRange", "NominalRange_0_255")]).unwrap();
        assert_eq!(
            (both.channel_order, both.mean, both.scale),
            (ChannelOrder::Bgr, [0.0; 3], [1.0; 3])
        );
        assert_eq!(both.fit, defaults.fit);
        let order = of(&[bgr]).unwrap();
        assert_eq!((order.channel_order, order.scale), (ChannelOrder::Bgr, defaults.scale));
        let signed = of(&[("Image.NominalPixelRange", "Normalized_1_1")]).unwrap();
        assert_eq!((signed.mean, signed.scale), ([127.5; 3], [1.0 / 127.5; 3]));
        assert_eq!(of(&[("Image.BitmapPixelFormat", "Gray8")]), None);
        assert_eq!(of(&[("names", "{}")]), None);
    }
}

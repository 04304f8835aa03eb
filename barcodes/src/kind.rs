//! Kinds of codes, as detectors distinguish them.

/// The kind of code that a detector has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Aztec Code.
    Aztec,
    /// Data Matrix.
    DataMatrix,
    /// Bars side by side: EAN, Code 128 and the like.
    Linear,
    /// PDF417.
    Pdf417,
    /// QR Code, with its small forms.
    QrCode,
}

impl Kind {
    /// Every kind, the most frequent first.
    pub const ALL: [Self; 5] =
        [Self::QrCode, Self::Linear, Self::DataMatrix, Self::Pdf417, Self::Aztec];

    /// The kind that a detector's label means: `QR Code`, `qrcode`, `ean13`. `None` if it may be any.
    pub fn of_label(label: &str) -> Option<Self> {
        let letters = label.chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
        let is_any = |names: &[&str]| names.iter().any(|known| name.contains(known));
        match name.as_str() {
            _ if is_any(&["qr"]) => Some(Self::QrCode),
            _ if is_any(&["aztec"]) => Some(Self::Aztec),
            _ if is_any(&["datamatrix"]) => Some(Self::DataMatrix),
            _ if is_any(&["pdf417"]) => Some(Self::Pdf417),
            _ if is_any(&["linear", "1d", "ean", "upc", "code128", "code39", "code93", "itf"]) => {
                Some(Self::Linear)
            }
            _ if is_any(&["codabar", "databar"]) => Some(Self::Linear),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_kinds_as_people_write_them() {
        for (label, kind) in [
            ("qr_code", Some(Kind::QrCode)),
            ("QR", Some(Kind::QrCode)),
            ("Data Matrix", Some(Kind::DataMatrix)),
            ("aztec", Some(Kind::Aztec)),
            ("PDF-417", Some(Kind::Pdf417)),
            ("linear", Some(Kind::Linear)),
            ("EAN-13", Some(Kind::Linear)),
            ("barcode", None),
        ] {
            assert_eq!(Kind::of_label(label), kind, "{label}");
        }
    }
}

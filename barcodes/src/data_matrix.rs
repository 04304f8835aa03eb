//! The text of a Data Matrix code from its codewords (ISO/IEC 16022, 5.2), byte by byte.
//!
//! The decoder's own text is right as long as it is ASCII. Of other bytes it takes some twice or in a character set
//! that the code does not name, so those are read here.

use rxing::common::{CharacterSet, Eci};

/// Stands for FNC1, which separates the elements of GS1, and for the same in ISO/IEC 15434.
const GROUP_SEPARATOR: u8 = 0x1D;
/// Back to the mode ASCII, from those that pack three values into two codewords.
const UNLATCH: u8 = 254;
/// The same in EDIFACT.
const UNLATCH_EDIFACT: u8 = 31;

/// The text of these codewords. Without a character set it is UTF-8 if it can be that, else ISO 8859-1.
pub(crate) fn text(codewords: &[u8]) -> Option<String> {
    let mut symbol = Symbol { codewords, at: 0, text: Text::default() };
    symbol.read()?;
    symbol.text.decoded()
}

/// Bytes, each run of them in its character set.
#[derive(Default)]
struct Text {
    runs: Vec<(Option<Eci>, Vec<u8>)>,
}

impl Text {
    fn push(&mut self, byte: u8) {
        match self.runs.last_mut() {
            Some((_, bytes)) => bytes.push(byte),
            None => self.runs.push((None, vec![byte])),
        }
    }

    fn begin(&mut self, character_set: Eci) {
        self.runs.push((Some(character_set), Vec::new()));
    }

    fn decoded(self) -> Option<String> {
        let decoded = self.runs.into_iter().map(|(character_set, bytes)| match character_set {
            Some(Eci::Binary | Eci::Unknown) => Some(bytes.into_iter().map(char::from).collect()),
            Some(eci) => CharacterSet::from(eci).decode(&bytes).ok(),
            None => Some(utf_8_or_bytes(bytes)),
        });
        decoded.collect()
    }
}

/// UTF-8, or a character for each byte.
fn utf_8_or_bytes(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

struct Symbol<'a> {
    codewords: &'a [u8],
    at: usize,
    text: Text,
}

/// The values of one of the modes that have three of them in two codewords.
enum Triples {
    C40,
    Text,
    X12,
}

impl Symbol<'_> {
    fn next(&mut self) -> Option<u8> {
        let next = self.codewords.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    fn left(&self) -> usize {
        self.codewords.len() - self.at
    }

    fn push_all(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.text.push(*byte));
    }

    /// Reads the mode ASCII, and from there the others. `None` for what no symbol holds.
    fn read(&mut self) -> Option<()> {
        let mut upper = 0;
        let mut trailer: &[u8] = &[];
        // Where a first FNC1 says that this is GS1, and stands for nothing else.
        let mut first = 0;
        while let Some(codeword) = self.next() {
            let position = self.at - 1;
            match codeword {
                1..=128 => {
                    self.text.push(codeword - 1 + upper);
                    upper = 0;
                }
                129 => break,
                130..=229 => {
                    let number = codeword - 130;
                    self.push_all(&[b'0' + number / 10, b'0' + number % 10]);
                }
                230 => self.triples(&Triples::C40)?,
                231 => self.bytes()?,
                232 if position == first => {}
                232 => self.text.push(GROUP_SEPARATOR),
                // One of several symbols: its number, and theirs.
                233 if position == 0 => {
                    self.at += 3;
                    first = self.at;
                }
                235 => upper = 128,
                236 | 237 if position == 0 => {
                    let format: &[u8] = if codeword == 236 { b"05" } else { b"06" };
                    self.push_all(&[b"[)>\x1E", format, &[GROUP_SEPARATOR]].concat());
                    trailer = b"\x1E\x04";
                }
                238 => self.triples(&Triples::X12)?,
                239 => self.triples(&Triples::Text)?,
                240 => self.edifact(),
                241 => self.character_set()?,
                _ => return None,
            }
            if self.at > self.codewords.len() {
                return None;
            }
        }
        self.push_all(trailer);
        Some(())
    }

    fn triples(&mut self, mode: &Triples) -> Option<()> {
        let (mut shift, mut upper) = (0, 0);
        // A codeword that is left alone is in the mode ASCII.
        while self.left() >= 2 {
            let first = self.next()?;
            if first == UNLATCH {
                return Some(());
            }
            let packed = (u16::from(first) << 8 | u16::from(self.next()?)).checked_sub(1)?;
            for value in [packed / 1600, packed / 40 % 40, packed % 40] {
                let value = u8::try_from(value).ok()?;
                if let Triples::X12 = mode {
                    self.text.push(match value {
                        0 => b'\r',
                        1 => b'*',
                        2 => b'>',
                        _ => basic(value, b'A')?,
                    });
                    continue;
                }
                if shift == 0 && value < 3 {
                    shift = value + 1;
                    continue;
                }
                let letters = if let Triples::C40 = mode { b'A' } else { b'a' };
                let byte = match (shift, value) {
                    (0, _) => basic(value, letters)?,
                    (1, 0..=31) => value,
                    // Punctuation: three runs of ASCII.
                    (2, 0..=14) => b'!' + value,
                    (2, 15..=21) => b':' + (value - 15),
                    (2, 22..=26) => b'[' + (value - 22),
                    (2, 27) => GROUP_SEPARATOR,
                    (2, 30) => {
                        (shift, upper) = (0, 128);
                        continue;
                    }
                    (3, 0..=31) => match mode {
                        // The letters of the other case.
                        Triples::Text if (1..=26).contains(&value) => b'A' + value - 1,
                        _ => b'`' + value,
                    },
                    _ => return None,
                };
                self.text.push(byte + upper);
                (shift, upper) = (0, 0);
            }
        }
        if self.codewords.get(self.at) == Some(&UNLATCH) {
            self.at += 1;
        }
        Some(())
    }

    /// Four values of six bits in three codewords.
    fn edifact(&mut self) {
        while let [a, b, c, ..] = self.codewords[self.at..] {
            let packed = u32::from_be_bytes([0, a, b, c]);
            for (number, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                let value = (packed >> shift & 0x3F) as u8;
                if value == UNLATCH_EDIFACT {
                    // The rest of its codeword is nothing.
                    self.at += number + usize::from(number < 3);
                    return;
                }
                self.text.push(if value < 32 { value | 0x40 } else { value });
            }
            self.at += 3;
        }
    }

    /// Base 256: bytes as they are, apart from a pattern that is added to each.
    fn bytes(&mut self) -> Option<()> {
        let count = match self.byte()? {
            0 => self.left(),
            short @ 1..=249 => usize::from(short),
            long => 250 * (usize::from(long) - 249) + usize::from(self.byte()?),
        };
        for _ in 0..count {
            let byte = self.byte()?;
            self.text.push(byte);
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let codeword = self.next()?;
        // Annex B.2; positions count from 1.
        let pattern = 149 * self.at % 255 + 1;
        Some(codeword.wrapping_sub((pattern % 256) as u8))
    }

    fn character_set(&mut self) -> Option<()> {
        let first = u32::from(self.next()?);
        let mut digit = || self.next().and_then(|digit| u32::from(digit).checked_sub(1));
        let number = match first {
            1..=127 => first - 1,
            128..=191 => (first - 128) * 254 + 127 + digit()?,
            192..=207 => (first - 192) * 64_516 + 16_383 + digit()? * 254 + digit()?,
            _ => return None,
        };
        self.text.begin(Eci::from(number));
        Some(())
    }
}

/// A space, a digit, or a letter.
fn basic(value: u8, letters: u8) -> Option<u8> {
    match value {
        3 => Some(b' '),
        4..=13 => Some(b'0' + value - 4),
        14..=39 => Some(letters + value - 14),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rxing::datamatrix::encoder::high_level_encoder;

    use super::*;

    /// A codeword of Base 256 at this position, from 1.
    fn randomised(byte: u8, position: usize) -> u8 {
        byte.wrapping_add((149 * position % 255 + 1) as u8)
    }

    /// A latch to Base 256, and these bytes, after `before` codewords.
    fn base_256(bytes: &[u8], before: usize) -> Vec<u8> {
        let length = [u8::try_from(bytes.len()).unwrap()];
        let packed = length.iter().chain(bytes).enumerate();
        let packed = packed.map(|(index, byte)| randomised(*byte, before + 2 + index));
        std::iter::once(231).chain(packed).collect()
    }

    #[test]
    fn what_an_encoder_has_written_is_read_in_every_mode() {
        for written in [
            "A",
            "123456",
            "MADE IN GERMANY 1999",
            "made in germany, 1999",
            "Mixed Case, And \"Punctuation\"! {~}",
            "AB*CD>EF 12\rGHIJKLMNO*",
            ".A.C1.3.DATA.123DATA.123DATA",
            "[)>\u{1e}05\u{1d}5555\u{1c}6666\u{1e}\u{4}",
            "tab\tand\nline",
        ] {
            let encoded = high_level_encoder::encodeHighLevel(written).unwrap();
            let codewords: Vec<u8> = encoded.chars().map(|c| u8::try_from(c).unwrap()).collect();
            assert_eq!(text(&codewords).as_deref(), Some(written));
        }
    }

    #[test]
    fn bytes_come_once_and_in_their_character_set() {
        let utf_8 = "東京".as_bytes();
        let alone = base_256(utf_8, 0);
        assert_eq!(text(&alone).as_deref(), Some("東京"));
        // UTF-8 is 26, and each number is written as one more.
        let named = [vec![241, 27], base_256(utf_8, 2)].concat();
        assert_eq!(text(&named).as_deref(), Some("東京"));
        let middle = [vec![b'A' + 1], base_256(utf_8, 1), vec![b'B' + 1, 129]].concat();
        assert_eq!(text(&middle).as_deref(), Some("A東京B"));
        // ISO 8859-15 is 17.
        let euro = [vec![241, 18], base_256(&[0xC4, 0xA4], 2)].concat();
        assert_eq!(text(&euro).as_deref(), Some("Ä€"));
        let binary = base_256(&[0xC8, 0xC9, 0xCA, 0xCB], 0);
        assert_eq!(text(&binary).as_deref(), Some("ÈÉÊË"));
    }

    #[test]
    fn utf_8_that_is_not_named_is_seen_in_any_mode() {
        // Each byte above ASCII after an upper shift.
        let shifted: Vec<u8> = "ü".bytes().flat_map(|byte| [235, byte - 128 + 1]).collect();
        assert_eq!(text(&shifted).as_deref(), Some("ü"));
        assert_eq!(text(&[235, 0xFC - 128 + 1]).as_deref(), Some("ü"), "ISO 8859-1");
    }

    #[test]
    fn elements_of_gs1_are_separated() {
        // FNC1, 10, A, FNC1, 21, B
        let codewords = [232, 140, b'A' + 1, 232, 151, b'B' + 1];
        assert_eq!(text(&codewords).as_deref(), Some("10A\u{1d}21B"));
    }

    #[test]
    fn codewords_that_mean_nothing_are_not_a_text() {
        for codewords in [&[0][..], &[242], &[231], &[231, 5, 7], &[230, 0, 0], &[241], &[233, 1]] {
            assert_eq!(text(codewords), None, "{codewords:?}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100_000 {
            let codewords: Vec<u8> = (0..random.usize(0..20)).map(|_| random.u8(..)).collect();
            // Must not panic.
            text(&codewords);
        }
    }
}

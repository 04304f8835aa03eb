//! The cost of a JPEG is checked before it is spent.

use framegate_jpeg::{Decoder, Error, Header, Limits, Options};

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, encode};

fn within(jpeg: &[u8], limits: Limits) -> Result<(), Error> {
    let options = Options { limits, ..Options::default() };
    let header = Header::read(jpeg)?;
    Decoder::new().decode(&header, &options, &mut vec![]).map(drop)
}

#[test]
fn limits_hold_to_the_unit() {
    let jpeg = encode(Coding { progressive: true, ..PLAIN }, WIDTH, HEIGHT);
    let header = Header::read(&jpeg).unwrap();
    let exact = Limits {
        max_pixels: WIDTH * HEIGHT,
        max_memory: header.memory(&Options::default()),
        ..Limits::default()
    };
    assert_eq!(within(&jpeg, exact), Ok(()));
    let tight = Limits { max_pixels: exact.max_pixels - 1, ..exact };
    assert_eq!(within(&jpeg, tight), Err(Error::TooLarge { width: WIDTH, height: HEIGHT }));
    let tight = Limits { max_memory: exact.max_memory - 1, ..exact };
    assert!(matches!(within(&jpeg, tight), Err(Error::TooMuchMemory { .. })));
    let tight = Limits { max_pixels_passed: 20_000, ..exact };
    assert!(matches!(within(&jpeg, tight), Err(Error::TooManyScans(_))));
}

#[test]
fn more_pixels_than_the_data_can_hold_are_refused() {
    let mut jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x1F, 0x40, 0x1F, 0x40]);
    let refused = Err(Error::Implausible { width: 8000, height: 8000 });
    assert_eq!(within(&jpeg, Limits::default()), refused);
}

#[test]
fn decoding_stops_on_request() {
    for progressive in [false, true] {
        let jpeg = encode(Coding { progressive, ..PLAIN }, WIDTH, HEIGHT);
        let header = Header::read(&jpeg).unwrap();
        let mut asked = 0;
        let mut twice = || {
            asked += 1;
            asked < 3
        };
        let stopped =
            Decoder::new().decode_while(&header, &Options::default(), &mut vec![], &mut twice);
        assert_eq!((stopped, asked), (Err(Error::Stopped), 3));
    }
}

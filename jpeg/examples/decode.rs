//! Decodes files to raw pixels, for comparison with other decoders:
//! `decode [--luma] [--lenient] [--portable] SCALE DIRECTORY FILE...` writes a PPM or PGM of each file into the directory.

use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::{env, fs};

use framegate_jpeg::{Decoder, Format, Header, Level, Options, Scale};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    let mut level = Level::best();
    let mut words = env::args_os().skip(1).peekable();
    while let Some(word) = words.next_if(|word| word.to_string_lossy().starts_with("--")) {
        match word.to_str() {
            Some("--luma") => options.format = Format::Luma,
            Some("--lenient") => options.lenient = true,
            Some("--portable") => level = Level::Portable,
            _ => return Err("unknown option".into()),
        }
    }
    options.scale = match words.next().as_deref().and_then(OsStr::to_str) {
        Some("1") => Scale::Full,
        Some("2") => Scale::Half,
        Some("4") => Scale::Quarter,
        Some("8") => Scale::Eighth,
        _ => return Err("the scale is 1, 2, 4 or 8".into()),
    };
    let directory = words.next().ok_or("a directory is missing")?;
    let mut decoder = Decoder::with_level(level);
    let mut pixels = vec![];
    for file in words {
        let jpeg = fs::read(&file)?;
        let decoded =
            Header::read(&jpeg).and_then(|header| decoder.decode(&header, &options, &mut pixels));
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                continue;
            }
        };
        let magic = if options.format == Format::Luma { "P5" } else { "P6" };
        let mut image = format!("{magic} {} {} 255\n", decoded.width, decoded.height).into_bytes();
        image.extend_from_slice(&pixels);
        let name = Path::new(&file).file_name().unwrap_or_default();
        fs::write(Path::new(&directory).join(name).with_extension("ppm"), image)?;
    }
    Ok(())
}

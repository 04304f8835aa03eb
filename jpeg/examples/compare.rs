//! Decodes files with this crate at every scale and with zune-jpeg, alternating on one thread, and prints the
//! milliseconds per file: `compare FILE...`. Files of one size are one line. `THREADS=2` lets several threads decode a
//! file that has restart intervals.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs};

use framegate_jpeg::{Decoder, Header, Options, Scale};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let mut sizes: BTreeMap<usize, (String, Vec<Vec<u8>>)> = BTreeMap::new();
    for file in env::args_os().skip(1) {
        let jpeg = fs::read(&file)?;
        let header = Header::read(&jpeg)?;
        let size = format!("{}x{}", header.width(), header.height());
        let pixels = header.width() * header.height();
        sizes.entry(pixels).or_insert((size, vec![])).1.push(jpeg);
    }
    println!(
        "size        files   bytes    zune    full   ratio    half   ratio quarter   ratio  eighth   ratio"
    );
    for (size, jpegs) in sizes.values() {
        let bytes = jpegs.iter().map(Vec::len).sum::<usize>() / jpegs.len();
        let times = measure(jpegs)?;
        print!("{size:11} {:5} {bytes:7} {:7.3}", jpegs.len(), times[0]);
        for time in &times[1..] {
            print!(" {time:7.3} {:7.3}", time / times[0]);
        }
        println!();
    }
    Ok(())
}

/// Milliseconds per file, the best of all rounds for each: of zune-jpeg, then of this crate at each scale.
fn measure(jpegs: &[Vec<u8>]) -> Result<[f64; 5], Box<dyn Error>> {
    let threads = env::var("THREADS").map_or(Ok(1), |threads| threads.parse())?;
    let mut decoder = Decoder::new();
    // One for each scale, as long as its results: a camera's frames have one size.
    let mut pixels = [const { vec![] }; 4];
    let mut zune_pixels = vec![];
    let mut best = vec![[Duration::MAX; 5]; jpegs.len()];
    for _ in 0..ROUNDS {
        for (jpeg, best) in jpegs.iter().zip(&mut best) {
            let begin = Instant::now();
            let mut zune = JpegDecoder::new(ZCursor::new(jpeg));
            zune.decode_headers()?;
            zune_pixels.resize(zune.output_buffer_size().ok_or("no size")?, 0);
            zune.decode_into(&mut zune_pixels)?;
            black_box(&zune_pixels);
            best[0] = best[0].min(begin.elapsed());
            for ((scale, best), pixels) in
                Scale::ALL.into_iter().zip(&mut best[1..]).zip(&mut pixels)
            {
                let begin = Instant::now();
                let options = Options { scale, threads, ..Options::default() };
                decoder.decode(&Header::read(jpeg)?, &options, pixels)?;
                black_box(&pixels);
                *best = (*best).min(begin.elapsed());
            }
        }
    }
    let mean = |n: usize| {
        let total: Duration = best.iter().map(|best| best[n]).sum();
        total.as_secs_f64() * 1e3 / jpegs.len() as f64
    };
    Ok([0, 1, 2, 3, 4].map(mean))
}

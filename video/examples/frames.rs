//! Decodes a video and measures how long that takes: `cargo run --release --example frames FILE`.

use std::time::Instant;

use framegate_video::{Input, Limits, Video, VideoError};

fn main() -> Result<(), VideoError> {
    for path in std::env::args_os().skip(1) {
        let video = Video::open(Input::file(path), &Limits::standard())?;
        println!("{:?}", video.info());
        let start = Instant::now();
        let (mut frames, mut damaged) = (0, 0);
        for frame in video {
            frames += 1;
            damaged += usize::from(frame?.image.is_err());
        }
        let seconds = start.elapsed().as_secs_f64();
        let each = 1000.0 * seconds / f64::from(frames);
        println!(
            "{frames} frames, {damaged} of them damaged, in {seconds:.3} s: {each:.2} ms each"
        );
    }
    Ok(())
}

//! Detects objects in JPEG files and prints them with the time of each stage.
//!
//! ```sh
//! cargo run --example detect -- codes docs/codes.jpg
//! cargo run --example detect -- yolox_nano.onnx street.jpg
//! ```

use std::error::Error;
use std::{env, fs};

use framegate::{Pipeline, PipelineOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| "codes".to_owned());
    let mut files: Vec<String> = arguments.collect();
    if files.is_empty() {
        files.push(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.jpg").to_owned());
    }

    let mut pipeline = Pipeline::load(&model, &PipelineOptions::default())?;
    println!("{model} on {} ({})", pipeline.backend(), pipeline.device().name);
    for file in files {
        let result = pipeline.detect(&fs::read(&file)?)?;
        println!("{file}: {}x{} pixels", result.size.width, result.size.height);
        for found in &result.detections {
            println!(
                "  {} {:.2} at {:.0},{:.0}, {:.0}x{:.0}",
                found.label, found.score, found.x, found.y, found.width, found.height
            );
        }
        for (stage, time) in result.timings.iter() {
            println!("  {}: {time:.1?}", stage.name());
        }
    }
    Ok(())
}

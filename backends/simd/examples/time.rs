//! Measures how long a model file takes, round by round, so that another program can run in between.
//!
//! ```text
//! cargo run --release -p framegate-backend-simd --example time -- FILE [HEIGHT WIDTH [THREADS]]
//! ```
//!
//! For each line on the standard input, which is a number of runs, it answers with their median in
//! milliseconds; for the line `profile`, with the time of every step, slowest first; for `read FILE`, it takes its
//! input from there, as little-endian `f32`; for `write FILE`, it writes the outputs of the last run there.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use framegate_backend_api::{InputBatch, Limits, Model, OutputBatch, Session};
use framegate_backend_simd::{Level, Precision, SimdBackend, SimdOptions, SimdSession};
use framegate_models::detector::read_onnx_file;
use framegate_models::passes::optimise;

/// Runs that a profile adds up.
const PROFILED: usize = 20;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).map(|text| text.parse::<usize>()).transpose();
    let path = Path::new(arguments.first().ok_or("name a model file")?);
    let file = read_onnx_file(path)?;
    let [height, width] = file.image_size();
    let height = number(1)?.or(height).unwrap_or(640);
    let width = number(2)?.or(width).unwrap_or(640);
    let graph = optimise(file.graph(height, width)?);
    let model = Model { name: path.display().to_string(), graph, metadata: Default::default() };

    let precision = Precision::F32;
    let backend = SimdBackend::new(SimdOptions { level: Level::best(precision), precision });
    let limits = Limits { max_batch: 1, threads: number(3)?.unwrap_or(2) };
    let mut session = backend.load_session(&model, &limits)?;
    let mut batch = InputBatch::new(model.graph.image_shape(), 1);
    batch.set_len(1);
    batch.slots_mut().flatten().enumerate().for_each(|(index, x)| *x = pixel(index));
    let mut out = OutputBatch::default();
    session.infer(&batch, &mut out)?;

    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "profile" {
            profile(&mut session, &batch, &mut out)?;
        } else if let Some(source) = line.strip_prefix("read ") {
            let bytes = std::fs::read(source)?;
            let numbers = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            batch.slots_mut().flatten().zip(numbers).for_each(|(x, number)| *x = number);
            println!("read");
        } else if let Some(target) = line.strip_prefix("write ") {
            let numbers = out.tensors.iter().flat_map(|tensor| &tensor.data);
            std::fs::write(target, numbers.flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
            println!("written");
        } else {
            let mut times = Vec::new();
            for _ in 0..line.trim().parse()? {
                let start = Instant::now();
                session.infer(&batch, &mut out)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            println!("{:.4}", times[times.len() / 2]);
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// A number between 0 and 1 that another program can make as well.
fn pixel(index: usize) -> f32 {
    (index * 7919 % 251) as f32 / 251.0
}

fn profile(
    session: &mut SimdSession,
    batch: &InputBatch,
    out: &mut OutputBatch,
) -> Result<(), Failure> {
    session.set_profiling(true);
    for _ in 0..PROFILED {
        session.infer(batch, out)?;
    }
    let mut steps = session.profile().map(|profile| profile.steps).unwrap_or_default();
    session.set_profiling(false);
    steps.sort_by_key(|step| std::cmp::Reverse(step.time));
    for step in steps {
        let microseconds = step.time.as_micros();
        println!(
            "{microseconds:>8} µs {:<16} {:>12} {}",
            step.kernel, step.multiply_adds, step.node
        );
    }
    println!("end");
    Ok(())
}

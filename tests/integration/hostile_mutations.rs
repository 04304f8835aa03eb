//! Changed copies of real model files: whatever is wrong with one, it costs an error, in bounded time and memory.
//! They take minutes; `scripts/check-nightly` runs them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use framegate::{Pipeline, PipelineOptions};
use framegate_models::Detector;
use framegate_models::detector::LoadOptions;
use framegate_onnx_proto::{GraphProto, Message, ModelProto};

use crate::support::test_data;

const FILES: [&str; 10] = [
    "small/hyuto-nms-yolov8.onnx",
    "small/x-deformconv.onnx",
    "small/x-dynamic-quant.onnx",
    "small/x-efficientnms-trt.onnx",
    "small/x-einsum.onnx",
    "small/x-loop.onnx",
    "small/x-lstm.onnx",
    "small/x-qdq.onnx",
    "small/x-scatternd.onnx",
    "small/x-yolov7-e2e-n7.onnx",
];
const LONGEST: Duration = Duration::from_secs(5);
/// Bytes that the process may ever have used.
const MEMORY: u64 = 1 << 30;

/// A changed copy: bytes as a bad disk changes them, or numbers and names as somebody else would.
fn mutated(original: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    match random.u8(0..8) {
        0 => bytes.truncate(random.usize(0..bytes.len())),
        1..4 => {
            for _ in 0..random.usize(1..8) {
                let at = random.usize(0..bytes.len());
                bytes[at] = random.u8(..);
            }
        }
        _ => {
            let mut model = ModelProto::decode(original).expect("it is a model");
            if let Some(graph) = &mut model.graph {
                (0..random.usize(1..4)).for_each(|_| change(graph, random));
            }
            bytes = model.encode_to_vec();
        }
    }
    bytes
}

fn number(random: &mut fastrand::Rng) -> i64 {
    const EDGES: [i64; 12] = [-1, 0, 1, 2, 3, 7, 64, 255, 65_536, 1 << 31, i64::MAX, i64::MIN];
    match random.bool() {
        true => EDGES[random.usize(0..EDGES.len())],
        false => random.i64(-16..1024),
    }
}

fn change(graph: &mut GraphProto, random: &mut fastrand::Rng) {
    let nodes = graph.node.len();
    let node = random.usize(0..nodes);
    match random.u8(0..7) {
        0 => {
            let from = random.usize(0..nodes);
            let name = graph.node[from].output.first().cloned().unwrap_or_default();
            let count = graph.node[node].input.len().max(1);
            let at = random.usize(0..count);
            match graph.node[node].input.get_mut(at) {
                Some(input) => *input = name,
                None => graph.node[node].input.push(name),
            }
        }
        1 => {
            let from = random.usize(0..nodes);
            graph.node[node].op_type = graph.node[from].op_type.clone();
        }
        2 if !graph.initializer.is_empty() => {
            let at = random.usize(0..graph.initializer.len());
            let tensor = &mut graph.initializer[at];
            match (random.u8(0..3), tensor.dims.len()) {
                (0, 1..) => {
                    let axis = random.usize(0..tensor.dims.len());
                    tensor.dims[axis] = number(random);
                }
                (1, _) if tensor.data_type == 7 && tensor.raw_data.len() >= 8 => {
                    let at = random.usize(0..tensor.raw_data.len() / 8) * 8;
                    tensor.raw_data[at..at + 8].copy_from_slice(&number(random).to_le_bytes());
                }
                _ => tensor.data_type = random.i32(0..20),
            }
        }
        3 => drop(graph.node.remove(node).output),
        4 => {
            let copy = graph.node[node].clone();
            graph.node.push(copy);
        }
        _ => {
            let Some(attributes) = graph.node.get_mut(node).map(|node| &mut node.attribute) else {
                return;
            };
            if attributes.is_empty() {
                return;
            }
            let at = random.usize(0..attributes.len());
            let attribute = &mut attributes[at];
            if let Some(integer) = &mut attribute.i {
                *integer = number(random);
            } else if let Some(float) = &mut attribute.f {
                *float = f32::from_bits(random.u32(..));
            } else if !attribute.ints.is_empty() {
                let at = random.usize(0..attribute.ints.len());
                attribute.ints[at] = number(random);
            } else if let Some(graph) = attribute.g.as_deref_mut().filter(|it| !it.node.is_empty())
            {
                change(graph, random);
            }
            if graph.node.is_empty() {
                graph.node.push(Default::default());
            }
        }
    }
    if graph.node.is_empty() {
        graph.node.push(Default::default());
    }
}

fn count(default: usize) -> usize {
    std::env::var("FRAMEGATE_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The most memory that the process has used.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes =
        peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

/// Calls `examine` with changed copies until it has said `count` times that one is worth counting.
fn with_mutations(count: usize, mut examine: impl FnMut(&Path) -> bool) {
    let Some(data) = test_data() else { return };
    let files: Vec<PathBuf> = FILES
        .iter()
        .map(|name| data.join("zoo").join(name))
        .filter(|path| path.is_file())
        .collect();
    let originals: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    if originals.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutated.onnx");
    let mut random = fastrand::Rng::with_seed(16);
    let (mut counted, mut slowest) = (0, Duration::ZERO);
    let mut tried = 0;
    while counted < count {
        let original = &originals[tried % originals.len()];
        let bytes = mutated(original, &mut random);
        std::fs::write(&path, &bytes).unwrap();
        let start = Instant::now();
        let name = FILES[tried % FILES.len()];
        if let Ok(counts) =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| examine(&path)))
        {
            counted += usize::from(counts);
        } else {
            let kept = std::env::temp_dir().join("framegate-panicked.onnx");
            std::fs::write(&kept, &bytes).unwrap();
            panic!("a copy of {name} makes it panic; it is kept as {}", kept.display());
        }
        let took = start.elapsed();
        if took > LONGEST {
            let kept = std::env::temp_dir().join("framegate-slow.onnx");
            std::fs::write(&kept, &bytes).unwrap();
            panic!("a copy of {name} took {took:?}; it is kept as {}", kept.display());
        }
        slowest = slowest.max(took);
        tried += 1;
    }
    let peak = peak_memory();
    println!(
        "{tried} copies, {counted} counted; the slowest took {slowest:?}; peak {} MiB",
        peak >> 20
    );
    assert!(peak < MEMORY, "{} MiB", peak >> 20);
}

#[test]
#[ignore = "takes minutes"]
fn changed_files_are_read_or_refused() {
    let options = LoadOptions { labels: None, input_size: None };
    with_mutations(count(100_000), |path| {
        drop(Detector::load(path, &options));
        true
    });
}

#[test]
#[ignore = "takes minutes"]
fn changed_files_that_are_read_can_be_run() {
    let jpeg = include_bytes!("images/several.jpg");
    with_mutations(count(2_000), |path| {
        let options = PipelineOptions { threads: 1, ..PipelineOptions::default() };
        // The meaning of the outputs does not matter here.
        std::fs::write(path.with_extension("toml"), "boxes = \"tensors\"\n").unwrap();
        let Ok(mut pipeline) = Pipeline::load(path, &options) else { return false };
        drop(pipeline.detect(jpeg));
        true
    });
}
